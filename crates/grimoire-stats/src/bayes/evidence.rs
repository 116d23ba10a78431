//! The theorem for k hypotheses and any number of pieces of evidence, step by step.
//!
//! In log space: ln posterior = ln prior + Σ ln likelihood − ln Σ, so a thousand pieces of evidence
//! neither overflow nor vanish. Pieces are taken as independent given each hypothesis (state a joint
//! likelihood as one piece if they are not).
//!
//! Equation: P(Hᵢ | E₁ … Eₘ) = P(Hᵢ) Π P(Eⱼ | Hᵢ) / Σₖ P(Hₖ) Π P(Eⱼ | Hₖ). Domain: two or more hypotheses that
//! exclude one another and leave out nothing, so that the priors sum to one; likelihoods from 0 to 1, or known up to
//! a factor that all hypotheses share. Method: logarithms are added, and the sum over hypotheses is taken relative to
//! its largest term. Accuracy: tested to 10⁻¹⁵ of a posterior of one piece and to 10⁻¹² of a difference of log
//! posteriors after a thousand; the absolute error of a logarithm grows with its size. Source: T. Bayes, *An essay
//! towards solving a problem in the doctrine of chances* (1763).

use crate::error::{Error, Result, not_negative, positive, probability};

/// One piece of evidence: how probable it is under each hypothesis, up to a common factor.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Piece {
    /// What was seen.
    pub name: String,
    /// ln P(evidence | hypothesis), up to a constant shared by all hypotheses; −∞ rules one out.
    pub ln_likelihoods: Vec<f64>,
}

impl Piece {
    /// From Lᵢ = P(evidence | hypothesis i), one for each hypothesis.
    ///
    /// Domain: 0 ≤ Lᵢ ≤ 1; 0 rules hypothesis i out. Method: their logarithms. Accuracy: one
    /// rounding of each. Source: T. Bayes (1763).
    ///
    /// # Errors
    /// When one is no probability.
    pub fn probabilities(name: impl Into<String>, values: &[f64]) -> Result<Self> {
        for (index, &value) in values.iter().enumerate() {
            if !(0.0..=1.0).contains(&value) {
                let (what, expected) = ("the likelihoods", "a probability from 0 to 1");
                return Err(Error::At { what, index, value, expected });
            }
        }
        Ok(Self { name: name.into(), ln_likelihoods: values.iter().map(|v| v.ln()).collect() })
    }

    /// From the likelihood ratio r = P(E | first) / P(E | second), for two hypotheses: ln r and 0.
    ///
    /// Domain: 0 ≤ r < ∞; 0 rules the first out. Method: one logarithm. Accuracy: one rounding.
    /// Source: I. J. Good, *Probability and the Weighing of Evidence* (1950).
    ///
    /// # Errors
    /// When the ratio is negative or not finite.
    pub fn ratio(name: impl Into<String>, ratio: f64) -> Result<Self> {
        not_negative("the likelihood ratio", ratio)?;
        Ok(Self { name: name.into(), ln_likelihoods: vec![ratio.ln(), 0.0] })
    }

    /// From counts: under hypothesis i the evidence was seen in `hits` of `cases`, Lᵢ = hits/cases.
    ///
    /// Domain: whole counts, hits ≤ cases, cases ≥ 1. Method: the shares, taken as probabilities:
    /// how uncertain they are is not carried on. Accuracy: two roundings of each. Source: none
    /// beyond the definition.
    ///
    /// # Errors
    /// When a hypothesis has no cases or more hits than cases.
    pub fn counts(name: impl Into<String>, counts: &[(u64, u64)]) -> Result<Self> {
        let mut shares = Vec::with_capacity(counts.len());
        for &(hits, cases) in counts {
            positive("the number of cases", cases as f64)?;
            shares.push(probability("hits over cases", hits as f64 / cases as f64)?);
        }
        Self::probabilities(name, &shares)
    }
}

/// What is believed after one more piece of evidence; each list has one entry per hypothesis.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Step {
    /// The piece of evidence.
    pub evidence: String,
    /// P(evidence | hypothesis), as given (up to a common factor).
    pub likelihoods: Vec<f64>,
    /// Belief before it.
    pub before: Vec<f64>,
    /// Probability of the evidence averaged over the beliefs before it.
    pub evidence_probability: f64,
    /// Belief after it.
    pub after: Vec<f64>,
    /// ln of the unnormalised belief: ln prior + Σ ln likelihood so far.
    pub ln_joint: Vec<f64>,
}

/// The whole derivation; each list but `steps` has one entry per hypothesis, logarithms are
/// natural.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Derivation {
    /// Names of the hypotheses.
    pub hypotheses: Vec<String>,
    /// Belief before any evidence.
    pub prior: Vec<f64>,
    /// One step per piece.
    pub steps: Vec<Step>,
    /// Belief after all of it.
    pub posterior: Vec<f64>,
    /// ln of the posterior, finite where the posterior underflows.
    pub ln_posterior: Vec<f64>,
    /// Posterior odds of each hypothesis against all others together.
    pub odds: Vec<f64>,
    /// ln of the probability of all the evidence (up to the pieces' common factors).
    pub ln_evidence: f64,
}

/// Posterior of k `hypotheses` with these priors after all `pieces`: P(Hᵢ | E₁ … Eₘ) = P(Hᵢ) Π P(Eⱼ
/// | Hᵢ) / Σₖ P(Hₖ) Π P(Eⱼ | Hₖ).
///
/// Domain: hypotheses that exclude one another and leave out nothing, k ≥ 2, with priors that sum
/// to 1; pieces with k likelihoods each, independent given a hypothesis. Without pieces the
/// posterior is the prior. Method: logarithms are added; the sum over hypotheses is taken relative
/// to its largest term. Accuracy: relative error at most 10⁻¹⁵ of a posterior of one piece, and
/// 10⁻¹² of a difference of log posteriors after a thousand, as tested. Source: T. Bayes, *An essay
/// towards solving a problem in the doctrine of chances* (1763).
///
/// # Errors
/// When there are fewer than two hypotheses, names or likelihoods do not match them, a prior is no
/// probability, the priors do not sum to 1 within 10⁻⁹, or the evidence rules out every hypothesis.
///
/// ```
/// use grimoire_stats::bayes::evidence::{Piece, update};
/// // One in a hundred is ill, a test finds 99 % of them and errs for 5 % of the others: 1/6.
/// let names = ["ill".to_owned(), "well".to_owned()];
/// let piece = Piece::probabilities("positive", &[0.99, 0.05]).unwrap();
/// let found = update(&names, &[0.01, 0.99], &[piece]).unwrap();
/// assert!((found.posterior[0] - 1.0 / 6.0).abs() < 1e-15);
/// ```
pub fn update(hypotheses: &[String], prior: &[f64], pieces: &[Piece]) -> Result<Derivation> {
    let k = hypotheses.len();
    if k < 2 {
        return Err(Error::TooFew { what: "the hypotheses", needed: 2, found: k });
    }
    same_length("the priors", prior.len(), k)?;
    if let Some(index) = prior.iter().position(|p| !(0.0..=1.0).contains(p)) {
        let expected = "a probability from 0 to 1";
        return Err(Error::At { what: "the priors", index, value: prior[index], expected });
    }
    let sum: f64 = prior.iter().sum();
    if (sum - 1.0).abs() > 1e-9 {
        return Err(Error::Sum { what: "the priors", found: sum, expected: 1.0 });
    }
    let mut ln_joint: Vec<f64> = prior.iter().map(|p| p.ln()).collect();
    let mut before = prior.to_vec();
    let mut steps = Vec::with_capacity(pieces.len());
    let mut ln_evidence = ln_sum(&ln_joint);
    for piece in pieces {
        same_length("the likelihoods", piece.ln_likelihoods.len(), k)?;
        let earlier = ln_evidence;
        ln_joint.iter_mut().zip(&piece.ln_likelihoods).for_each(|(joint, ln)| *joint += ln);
        ln_evidence = ln_sum(&ln_joint);
        if ln_evidence == f64::NEG_INFINITY {
            let why = "it is impossible under every hypothesis that was still possible";
            return Err(Error::Degenerate { what: "the evidence", why });
        }
        let after: Vec<f64> = ln_joint.iter().map(|joint| (joint - ln_evidence).exp()).collect();
        steps.push(Step {
            evidence: piece.name.clone(),
            likelihoods: piece.ln_likelihoods.iter().map(|ln| ln.exp()).collect(),
            before: before.clone(),
            evidence_probability: (ln_evidence - earlier).exp(),
            after: after.clone(),
            ln_joint: ln_joint.clone(),
        });
        before = after;
    }
    let ln_posterior: Vec<f64> = ln_joint.iter().map(|joint| joint - ln_evidence).collect();
    // Odds against the sum of the others, not 1 − p, which would lose all digits near certainty.
    let odds = (0..k)
        .map(|own| {
            let others: Vec<f64> =
                ln_joint.iter().enumerate().filter(|(i, _)| *i != own).map(|(_, v)| *v).collect();
            (ln_joint[own] - ln_sum(&others)).exp()
        })
        .collect();
    let hypotheses = hypotheses.to_vec();
    Ok(Derivation {
        hypotheses,
        prior: prior.to_vec(),
        steps,
        posterior: before,
        ln_posterior,
        odds,
        ln_evidence,
    })
}

/// Priors from odds such as 1:99: pᵢ = oᵢ / Σ oⱼ.
///
/// Domain: finite odds that are not negative and not all zero. Method: one sum and a quotient each.
/// Accuracy: rounding of the sum and one more; they sum to one within rounding. Source: none beyond
/// the definition.
///
/// # Errors
/// When one is negative or not finite, or all are zero.
pub fn from_odds(odds: &[f64]) -> Result<Vec<f64>> {
    for &value in odds {
        not_negative("the odds", value)?;
    }
    let sum = positive("the sum of the odds", odds.iter().sum())?;
    Ok(odds.iter().map(|value| value / sum).collect())
}

/// ln Σ e^x, −∞ for nothing.
fn ln_sum(values: &[f64]) -> f64 {
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if most == f64::NEG_INFINITY {
        return most;
    }
    most + values.iter().map(|v| (v - most).exp()).sum::<f64>().ln()
}

fn same_length(left: &'static str, n_left: usize, n_right: usize) -> Result<()> {
    if n_left == n_right {
        Ok(())
    } else {
        Err(Error::Lengths { left, n_left, right: "the hypotheses", n_right })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::close;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    /// Eddy, *Probabilistic reasoning in clinical medicine* (1982): prevalence 1 %, sensitivity 79.2 %,
    /// false alarms 9.6 % give 7.7 %.
    #[test]
    fn the_mammogram() {
        let piece = Piece::probabilities("positive", &[0.792, 0.096]).unwrap();
        let hypotheses = names(&["cancer", "no cancer"]);
        let derivation = update(&hypotheses, &[0.01, 0.99], std::slice::from_ref(&piece)).unwrap();
        close(derivation.posterior[0], 0.00792 / (0.00792 + 0.09504), 1e-15, 0.0);
        close(derivation.odds[0], 0.00792 / 0.09504, 1e-14, 0.0);
        let ratio = Piece::ratio("positive", 0.792 / 0.096).unwrap();
        let same = update(&hypotheses, &from_odds(&[1.0, 99.0]).unwrap(), &[ratio]).unwrap();
        close(same.posterior[0], derivation.posterior[0], 1e-14, 0.0);
    }

    #[test]
    fn a_thousand_pieces_neither_vanish_nor_overflow() {
        let pieces: Vec<Piece> =
            (0..1000).map(|_| Piece::probabilities("e", &[1e-9, 2e-9, 5e-10]).unwrap()).collect();
        let third = 1.0 / 3.0;
        let d = update(&names(&["a", "b", "c"]), &[third, third, third], &pieces).unwrap();
        // ln(a/b) = 1000 ln ½ exactly.
        close(d.ln_posterior[0] - d.ln_posterior[1], -1000.0 * 2_f64.ln(), 1e-12, 0.0);
        close(d.posterior.iter().sum::<f64>(), 1.0, 1e-15, 0.0);
    }

    #[test]
    fn wrong_beliefs_are_told_apart() {
        let hypotheses = names(&["a", "b"]);
        let none = Piece::probabilities("impossible", &[0.0, 0.0]).unwrap();
        assert!(update(&hypotheses, &[0.5, 0.5], &[none]).is_err());
        let message = update(&hypotheses, &[0.5, 0.4], &[]).unwrap_err().to_string();
        assert_eq!(message, "the priors sum to 0.9, expected 1");
        assert!(Piece::counts("c", &[(1, 0), (1, 2)]).is_err());
    }
}
