//! Chance, averages, information, linear models and eigenvectors in f64.
