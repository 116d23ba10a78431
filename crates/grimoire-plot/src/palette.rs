//! Colours and the style sheet. Every tone is a class that sets `color`; shapes take it through
//! `currentColor`, so that one rule serves strokes and fills, and renderers without custom properties
//! (librsvg, Inkscape) draw the same picture.
//!
//! Hues follow Okabe and Ito (2008), "Color Universal Design", darkened for white paper and lightened
//! for dark, until each has a contrast of at least 3 to its background (WCAG 2.2, 1.4.11) and any two
//! stay apart under simulated colour deficiency; the tests measure both.

/// What a colour is for. Series are numbered from 0 and repeat after [`Tone::SERIES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// One of the colours of the palette.
    Series(u8),
    /// The colour of text: for the thing the figure is about, when colour would say nothing.
    Ink,
    /// Grey: for context.
    Muted,
}

impl Tone {
    /// How many series colours there are before they repeat.
    pub const SERIES: u8 = 6;

    /// The class that sets the colour.
    pub(crate) fn class(self) -> &'static str {
        const CLASSES: [&str; 6] = ["k0", "k1", "k2", "k3", "k4", "k5"];
        match self {
            Self::Series(n) => CLASSES[usize::from(n % Self::SERIES)],
            Self::Ink => "ki",
            Self::Muted => "km",
        }
    }

    /// Which of the marker shapes and dashes goes with the colour.
    pub(crate) fn variant(self) -> usize {
        match self {
            Self::Series(n) => usize::from(n),
            Self::Ink | Self::Muted => 0,
        }
    }

    /// The dash pattern of the lines of this tone: solid for the first three series.
    pub(crate) fn dash(self) -> &'static str {
        match self.variant() % 9 {
            0..=2 => "",
            3..=5 => "6 3",
            _ => "2 2.5",
        }
    }

    /// The dash pattern of the tone, or another where the tone is solid.
    pub(crate) fn dash_or(self, other: &'static str) -> &'static str {
        if self.dash().is_empty() { other } else { self.dash() }
    }
}

/// The six series, ink, muted, grid and paper of one scheme.
struct Scheme {
    series: [&'static str; 6],
    ink: &'static str,
    muted: &'static str,
    grid: &'static str,
    paper: &'static str,
}

// In order: blue, vermilion, green, purple, amber, sky.
const LIGHT: Scheme = Scheme {
    series: ["#00548f", "#a74300", "#098f69", "#a1558d", "#a97900", "#429bd1"],
    ink: "#1d2129",
    muted: "#5f6774",
    grid: "#e4e7ec",
    paper: "#ffffff",
};
const DARK: Scheme = Scheme {
    series: ["#319edd", "#ec8750", "#56deb8", "#d98cc6", "#dfaf40", "#a2d9fb"],
    ink: "#e8eaee",
    muted: "#a0a8b5",
    grid: "#2c323c",
    paper: "#14171c",
};

/// The style element of every figure; `gf` is its root class.
pub(crate) fn style() -> String {
    let mut out = String::from("<style>");
    out.push_str(
        ".gf{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,\
         sans-serif;font-variant-numeric:tabular-nums}\
         .gf text{fill:currentColor}.gf .tt{font-size:17px;font-weight:650}\
         .gf .ts{font-size:13px}.gf .ta{font-size:12px}.gf .tf{font-size:11px}\
         .gf .tb{font-size:12px;font-weight:600}\
         .gf .ln{fill:none;stroke:currentColor;stroke-linejoin:round;stroke-linecap:round}\
         .gf .w1{stroke-width:1.2}.gf .w2{stroke-width:2}.gf .ds{stroke-dasharray:5 3}.gf .hair{stroke-width:.8;stroke-opacity:.6}\
         .gf .fl{fill:currentColor}\
         .gf .hit{fill:currentColor;fill-opacity:0;stroke:none}\
         .gf .hit:hover{fill-opacity:.9}.gf .bar:hover{fill-opacity:1}",
    );
    out.push_str(&scheme(&LIGHT));
    out.push_str("@media screen and (prefers-color-scheme:dark){");
    out.push_str(&scheme(&DARK));
    out.push_str("}</style>\n");
    out
}

fn scheme(colours: &Scheme) -> String {
    let mut out = String::new();
    for (index, colour) in colours.series.iter().enumerate() {
        out.push_str(&format!(".gf .k{index}{{color:{colour}}}"));
    }
    let Scheme { ink, muted, grid, paper, .. } = colours;
    out.push_str(&format!(
        ".gf{{color:{ink}}}.gf .ki{{color:{ink}}}.gf .km{{color:{muted}}}\
         .gf .gr{{stroke:{grid};fill:none}}.gf .pp{{fill:{paper}}}\
         .gf .halo{{stroke:{paper};stroke-width:3px;paint-order:stroke;stroke-linejoin:round}}\
         .gf .open{{fill:{paper};stroke:currentColor}}"
    ));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linear(hex: &str) -> [f64; 3] {
        let part = |at: usize| {
            let byte = u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
            let c = f64::from(byte) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        [part(1), part(3), part(5)]
    }

    fn luminance([r, g, b]: [f64; 3]) -> f64 {
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(linear(a)), luminance(linear(b)));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// CIE L*a*b* of linear sRGB, white D65.
    fn lab([r, g, b]: [f64; 3]) -> [f64; 3] {
        let x = (0.412_4 * r + 0.357_6 * g + 0.180_5 * b) / 0.950_47;
        let y = 0.212_6 * r + 0.715_2 * g + 0.072_2 * b;
        let z = (0.019_3 * r + 0.119_2 * g + 0.950_5 * b) / 1.088_83;
        let f = |t: f64| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
        [116.0 * f(y) - 16.0, 500.0 * (f(x) - f(y)), 200.0 * (f(y) - f(z))]
    }

    /// Machado, Oliveira and Fernandes (2009), table 1, severity 1.0, on linear sRGB.
    const DEFICIENCIES: [(&str, [[f64; 3]; 3]); 3] = [
        (
            "protan",
            [
                [0.152_286, 1.052_583, -0.204_868],
                [0.114_503, 0.786_281, 0.099_216],
                [-0.003_882, -0.048_116, 1.051_998],
            ],
        ),
        (
            "deutan",
            [
                [0.367_322, 0.860_646, -0.227_968],
                [0.280_085, 0.672_501, 0.047_413],
                [-0.011_820, 0.042_940, 0.968_881],
            ],
        ),
        (
            "tritan",
            [
                [1.255_528, -0.076_749, -0.178_779],
                [-0.078_411, 0.930_809, 0.147_602],
                [0.004_733, 0.691_367, 0.303_900],
            ],
        ),
    ];

    fn seen(matrix: &[[f64; 3]; 3], rgb: [f64; 3]) -> [f64; 3] {
        std::array::from_fn(|row| {
            (0..3).map(|col| matrix[row][col] * rgb[col]).sum::<f64>().clamp(0.0, 1.0)
        })
    }

    #[test]
    fn every_colour_stands_out_from_its_paper() {
        for scheme in [&LIGHT, &DARK] {
            for colour in scheme.series {
                assert!(contrast(colour, scheme.paper) >= 3.0, "{colour} on {}", scheme.paper);
            }
            // Text needs 4.5 (WCAG 2.2, 1.4.3).
            for colour in [scheme.ink, scheme.muted] {
                assert!(contrast(colour, scheme.paper) >= 4.5, "{colour} on {}", scheme.paper);
            }
        }
    }

    #[test]
    fn series_stay_apart_under_colour_deficiency() {
        for scheme in [&LIGHT, &DARK] {
            for (name, matrix) in &DEFICIENCIES {
                for (i, a) in scheme.series.iter().enumerate() {
                    for (j, b) in scheme.series.iter().enumerate().take(i) {
                        let (a_lab, b_lab) =
                            (lab(seen(matrix, linear(a))), lab(seen(matrix, linear(b))));
                        let distance: f64 =
                            a_lab.iter().zip(b_lab).map(|(p, q)| (p - q).powi(2)).sum::<f64>();
                        // 13 is several times the just noticeable 2.3 (Mahy 1994); the first three,
                        // which most figures use alone, keep more.
                        let least = if i < 3 && j < 3 { 20.0 } else { 13.0 };
                        assert!(distance.sqrt() >= least, "{name}: {a} {b} {}", distance.sqrt());
                    }
                }
            }
        }
    }
}
