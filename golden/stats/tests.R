# Writes tests.json: exact tests, rank tests, t tests, intervals, distributions, power, multiplicity,
# as R computes them (R 4.2.2, package stats). Run: Rscript tests.R > tests.json
f <- function(x) ifelse(is.finite(x), sprintf("%.17g", x), "null")
vec <- function(v) paste0("[", paste(f(v), collapse = ","), "]")
rows <- list()
add <- function(name, row) rows[[name]] <<- c(rows[[name]], vec(row))
alts <- c("two.sided", "less", "greater")
for (case in list(c(0, 10, .3), c(10, 10, .3), c(3, 10, .5), c(100, 250, .4), c(100, 250, .3), c(682, 925, .75), c(9, 21, .48),
                  c(4, 21, .48), c(1, 1000, .01), c(5200, 10000, .5), c(10079990, 21e6, .48), c(51, 235, 1/6), c(7,7,1), c(0,5,0)))
  for (a in 1:3) {
    t <- binom.test(case[1], case[2], case[3], alternative = alts[a], conf.level = .95)
    add("binomial", c(case, a, t$p.value, t$conf.int))
  }
for (case in list(c(0, 1, 2), c(137, 24.19893, 1), c(10, 1, 5.5), c(10, 2, 12), c(1000, 10, 95), c(1e6, 1, 1001000), c(3, 1, 3)))
  for (a in 1:3) {
    t <- poisson.test(case[1], case[2], case[3], alternative = alts[a])
    add("poisson", c(case, a, t$p.value, t$conf.int))
  }
for (case in list(c(11, 800, 23, 3000), c(0, 100, 3, 100), c(20, 10, 20, 10), c(3, 100, 20, 300), c(500, 1, 560, 1)))
  for (a in 1:3) {
    t <- poisson.test(case[c(1, 3)], case[c(2, 4)], alternative = alts[a])
    add("poisson_two", c(case, a, t$p.value, t$conf.int))
  }
for (case in list(c(3, 1, 1, 3), c(10, 2, 3, 15), c(0, 5, 6, 2), c(100, 2, 1000, 5), c(14500, 20000, 30000, 40000), c(8, 2, 1, 5), c(190, 800, 200, 900), c(7, 0, 0, 9)))
  for (a in 1:3) {
    t <- fisher.test(matrix(case, 2, byrow = TRUE), alternative = alts[a])
    add("fisher", c(case, a, t$p.value, t$estimate, t$conf.int))
  }
for (case in list(c(12, 5, 7, 9), c(100, 50, 70, 90), c(1000, 1100, 900, 1200))) {
  m <- matrix(case, 2, byrow = TRUE)
  for (y in 0:1) { t <- chisq.test(m, correct = y == 1); add("chi_square", c(case, y, t$statistic, t$p.value)) }
  t <- prop.test(c(case[1], case[3]), c(case[1] + case[2], case[3] + case[4]), correct = FALSE)
  add("two_proportions", c(case, t$statistic, t$p.value, t$conf.int))
  t <- mcnemar.test(m, correct = FALSE); add("mcnemar", c(case, t$statistic, t$p.value))
}
t <- chisq.test(matrix(c(10, 20, 30, 6, 9, 17, 22, 3, 5), 3)); add("chi_square_table", c(t$statistic, t$parameter, t$p.value))
t <- chisq.test(c(20, 30, 15, 35), p = c(.2, .3, .2, .3)); add("goodness", c(t$statistic, t$parameter, t$p.value))
x <- c(1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30)
y <- c(0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29)
z <- c(5, 3, 3, 8, 1, 9, 4, 4, 7, 6, 12, 2)
w <- c(4, 4, 9, 10, 11, 3, 8, 13, 15)
data <- list(x = x, y = y, z = z, w = w)
for (a in 1:3) {
  t <- t.test(x, y, alternative = alts[a]); add("welch", c(a, t$statistic, t$parameter, t$p.value, t$conf.int))
  t <- t.test(x, y, alternative = alts[a], var.equal = TRUE); add("student", c(a, t$statistic, t$parameter, t$p.value, t$conf.int))
  t <- t.test(x, y, paired = TRUE, alternative = alts[a]); add("paired", c(a, t$statistic, t$parameter, t$p.value, t$conf.int))
  t <- t.test(x, mu = 1.5, alternative = alts[a]); add("one_t", c(a, t$statistic, t$parameter, t$p.value, t$conf.int))
  t <- wilcox.test(x - y + (1:9) * 1e-3, alternative = alts[a], exact = TRUE, conf.int = TRUE); add("signed_rank", c(a, t$statistic, t$p.value, t$conf.int, t$estimate))
  t <- suppressWarnings(wilcox.test(z - 5.5, alternative = alts[a], exact = FALSE, correct = TRUE)); add("signed_rank_normal", c(a, t$statistic, t$p.value))
  t <- wilcox.test(x, y + (1:9) * 1e-4, alternative = alts[a], exact = TRUE, conf.int = TRUE); add("rank_sum", c(a, t$statistic, t$p.value, t$conf.int, t$estimate))
  t <- suppressWarnings(wilcox.test(z, w, alternative = alts[a], exact = FALSE, correct = TRUE)); add("rank_sum_normal", c(a, t$statistic, t$p.value))
}
for (n in c(10, 50, 200)) for (m in c(8, 30)) for (u in c(0.2, 0.35, 0.5)) { q <- floor(n * m * u); add("pwilcox", c(n, m, q, pwilcox(q, n, m))) }
for (n in c(10, 50, 100)) for (u in c(0.1, 0.25, 0.4, 0.5)) { q <- floor(n * (n + 1) / 2 * u); add("psignrank", c(n, q, psignrank(q, n))) }
p <- c(0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216, 0.222, 0.251, 0.269, 0.275, 0.34, 0.341, 0.384, 0.569, 0.594, 0.696, 0.762, 0.94, 0.942, 0.975, 0.986)
add("p", p)
for (m in c("bonferroni", "holm", "hochberg", "hommel", "BH", "BY")) add(m, p.adjust(p, m))
for (n in c(10, 20, 64)) for (d in c(.3, .5, 1)) for (ty in c("one.sample", "two.sample"))
  add("power_t", c(n, d, ty == "two.sample", power.t.test(n, d, 1, .05, type = ty, strict = TRUE)$power))
for (n in c(50, 200, 1000)) add("power_prop", c(n, .5, .6, power.prop.test(n, .5, .6, strict = TRUE)$power))
for (t in c(-2, 0, 1, 3)) for (df in c(3, 10, 60)) for (ncp in c(0, .5, 2, 5)) add("noncentral_t", c(t, df, ncp, pt(t, df, ncp)))
for (x in c(1, 5, 20)) for (df in c(1, 4)) for (ncp in c(0, 1, 10)) add("noncentral_chisq", c(x, df, ncp, pchisq(x, df, ncp)))
ex <- function(n, q) add("quantiles", c(n, q))
for (q in c(1e-8, .01, .3, .5, .9, .9999)) {
  add("quantiles", c(q, qbinom(q, 1000, .3), qpois(q, 42), qnbinom(q, 4.5, .1), qhyper(q, 300, 700, 100), qgeom(q, .05)))
  add("continuous_quantiles", c(q, qt(q, 4.5), qf(q, 3, 17), qchisq(q, 7), qgamma(q, 2.5, scale = 3), qbeta(q, .7, 3), qexp(q, 2)))
}
for (x in c(0, 3, 12, 29, 40, 77)) add("discrete", c(x, dbinom(x, 100, .3, TRUE), pbinom(x, 100, .3), pbinom(x, 100, .3, FALSE),
  dpois(x, 30, TRUE), ppois(x, 30), dnbinom(x, 4.5, .1, log = TRUE), pnbinom(x, 4.5, .1), dhyper(x, 300, 700, 100, TRUE), phyper(x, 300, 700, 100), phyper(x, 300, 700, 100, FALSE), dgeom(x, .05, TRUE), pgeom(x, .05, FALSE)))
for (x in c(-40, -3, -.4, 0, .7, 2.3, 15)) add("continuous", c(x, dt(x, 4.5, log = TRUE), pt(x, 4.5), pt(x, 4.5, lower.tail = FALSE), df(abs(x), 3, 17, log = TRUE), pf(abs(x), 3, 17, lower.tail = FALSE), pt(x, 1e6), dchisq(abs(x), 7, log = TRUE), dgamma(abs(x), 2.5, scale = 3, log = TRUE), pnorm(x, 1, 2, log.p = TRUE)))
for (name in names(data)) add(paste0("data_", name), data[[name]])
cat("{", paste0('"versions": "R ', R.version$major, ".", R.version$minor, '"'), sep = "")
for (name in names(rows)) cat(",\n\"", name, "\": [\n", paste(rows[[name]], collapse = ",\n"), "]", sep = "")
cat("}\n")
