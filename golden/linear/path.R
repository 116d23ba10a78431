# Coefficients of R's glmnet at a tight threshold, on made-up data (written by path.py into
# path-data.json, its CSV twins into CSV_DIR) and on mtcars, prostate and diabetes.
# Usage: Rscript path.R DATA_DIR CSV_DIR > path-glmnet.json     Made with R 4.2.2, glmnet 4.1-6.
suppressMessages(library(glmnet))
glmnet.control(fdev = 0, devmax = 1)
num <- function(v) paste0("[", paste(sprintf("%.17g", v), collapse = ","), "]")
first <- TRUE
emit <- function(name, x, y, family, alpha, lambda, ...) {
  fit <- glmnet(x, y, family = family, alpha = alpha, lambda = lambda, thresh = 1e-20, maxit = 1e8, ...)
  b <- as.matrix(coef(fit))
  rows <- sapply(seq_along(lambda), function(k) num(b[, k]))
  cat(if (first) "" else ",\n", '{"name":"', name, '","family":"', family, '","alpha":', sprintf("%.17g", alpha),
      ',"lambdas":', num(lambda), ',"standardize":', tolower(!("standardize" %in% names(list(...)))),
      ',"intercept":', tolower(!("intercept" %in% names(list(...)))),
      ',"coefficients":[', paste(rows, collapse = ","), "]}", sep = "")
  first <<- FALSE
}
args <- commandArgs(trailingOnly = TRUE)
cat("[")
tall <- as.matrix(read.csv(file.path(args[2], "golden-tall.csv"))); wide <- as.matrix(read.csv(file.path(args[2], "golden-wide.csv")))
for (set in list(list("tall", tall), list("wide", wide))) {
  d <- set[[2]]; p <- ncol(d) - 2; x <- d[, 1:p]; y <- d[, p + 1]; k <- d[, p + 2]
  # Not below 0.06 when wide: the fit saturates there (29 of 30 degrees of freedom at 0.03) and glmnet
  # itself stops 5e-10 away from the conditions of optimality, which is 1e-6 in the coefficients.
  last <- if (set[[1]] == "wide") 0.06 else 0.03
  for (alpha in c(1, 0.5)) emit(set[[1]], x, y, "gaussian", alpha, c(0.8, 0.3, 0.1, last))
  emit(set[[1]], x, k, "binomial", 1, c(0.15, 0.08, 0.04))
  emit(set[[1]], x, k, "binomial", 0.4, c(0.15, 0.08, 0.04))
}
p <- ncol(tall) - 2
emit("tall", tall[, 1:p], tall[, p + 1], "gaussian", 0, c(1, 0.1))
emit("tall", tall[, 1:p], tall[, p + 1], "gaussian", 0.7, c(0.5, 0.05), standardize = FALSE)
emit("tall", tall[, 1:p], tall[, p + 1], "gaussian", 0.7, c(0.5, 0.05), intercept = FALSE)
emit("mtcars", as.matrix(mtcars[c("mpg", "wt", "drat")]), mtcars$hp, "gaussian", 1, c(5, 1, 0))
pr <- read.delim(file.path(args[1], "prostate/prostate.data"), row.names = 1)
tr <- pr[pr$train == 1 | pr$train == TRUE | pr$train == "T", ]
emit("prostate", as.matrix(tr[, 1:8]), tr$lpsa, "gaussian", 1, c(0.5, 0.1, 0.02, 0.001))
emit("prostate", as.matrix(tr[, 1:8]), tr$lpsa, "gaussian", 0.5, c(0.5, 0.1, 0.02))
di <- read.delim(file.path(args[1], "diabetes/diabetes.data"))
emit("diabetes", as.matrix(di[, 1:10]), di$Y, "gaussian", 1, c(20, 5, 1, 0.1, 0.001))
emit("diabetes", as.matrix(di[, 1:10]), di$Y, "gaussian", 0.3, c(20, 5, 1))
emit("diabetes", as.matrix(di[, 1:10]), as.numeric(di$Y > 140), "binomial", 1, c(0.1, 0.02, 0.004))
cat("]\n")
# mtcars itself (Henderson and Velleman, 1981), for the test that cannot reach R.
write.csv(mtcars[c("mpg", "wt", "drat", "hp")], "mtcars.csv", row.names = FALSE, quote = FALSE)
