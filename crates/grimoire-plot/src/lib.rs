//! Typed figures to self-contained SVG: lines, bands, bars, points, flows.
