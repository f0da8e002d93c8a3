# Fits of other programs, for each line of a table of models. Arguments: data, models, values.
#   lme4     tight: PIRLS to 1e-11 and bobyqa to 1e-9; -2 logLik, theta, beta, standard errors
#   glmmTMB  the observed information, and families with their dispersion: -2 logLik and beta
args <- commandArgs(trailingOnly = TRUE)
suppressMessages({library(lme4); library(glmmTMB)})
data <- read.csv(args[1], stringsAsFactors = TRUE)
models <- read.csv(args[2], stringsAsFactors = FALSE, na.strings = "")
family_of <- function(m) {
  if (m$family == "nbinom2") return(nbinom2())
  if (m$family == "inverse.gaussian") return(inverse.gaussian(link = m$link))
  get(m$family)(link = m$link)
}
# With a dispersion, the criterion of lme4 before 2.1, which pylme computes. It had an additional 2.
dispersed <- c("Gamma", "inverse.gaussian", "gaussian")
new <- packageVersion("lme4") >= "2.1.0"
settings <- if (new) list(disp_method = "old/buggy", disp_dof_correction = FALSE)
by_lme4 <- function(m) {
  control <- do.call(glmerControl, c(settings, list(
    optimizer = "bobyqa", tolPwrss = 1e-11, optCtrl = list(rhoend = 1e-9, maxfun = 1e5),
    check.conv.grad = "ignore", check.conv.hess = "ignore", check.conv.singular = "ignore"
  )))
  more <- if (new && m$family %in% dispersed) 2 else 0
  call <- list(as.formula(m$formula), data = data, family = family_of(m), nAGQ = m$n_agq, control = control)
  if (!is.na(m$weights)) call$weights <- data[[m$weights]]
  if (!is.na(m$offset)) call$offset <- data[[m$offset]]
  fit <- do.call(glmer, call)
  c(more - 2 * as.numeric(logLik(fit)), fixef(fit), sqrt(diag(as.matrix(vcov(fit)))))
}
by_glmmTMB <- function(m) {
  call <- list(as.formula(m$formula), data = data, family = family_of(m))
  if (!is.na(m$weights)) call$weights <- data[[m$weights]]
  if (!is.na(m$offset)) call$offset <- data[[m$offset]]
  fit <- do.call(glmmTMB, call)
  c(-2 * as.numeric(logLik(fit)), fixef(fit)$cond)
}
lines <- vapply(seq_len(nrow(models)), function(i) {
  m <- models[i, ]
  found <- tryCatch(
    suppressMessages(suppressWarnings(if (m$by == "lme4") by_lme4(m) else by_glmmTMB(m))),
    error = function(e) NA_real_
  )
  paste(sprintf("%.17g", found), collapse = " ")
}, "")
writeLines(lines, args[3])
