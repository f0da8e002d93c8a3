# lme4's criterion at fixed parameters, for each line of a table of models: devfun(c(theta, beta)) with
# the tolerance of PIRLS at 1e-14. Arguments: a file of data, a file of models, a file for the values.
args <- commandArgs(trailingOnly = TRUE)
suppressMessages(library(lme4))
data <- read.csv(args[1], stringsAsFactors = TRUE)
models <- read.csv(args[2], stringsAsFactors = FALSE, na.strings = "")
numbers <- function(text) as.numeric(strsplit(text, ";", fixed = TRUE)[[1]])
value <- function(m) {
  fam <- if (is.na(m$shape)) {
    if (m$family == "inverse.gaussian") inverse.gaussian(link = m$link) else get(m$family)(link = m$link)
  } else MASS::negative.binomial(m$shape, link = m$link)
  call <- list(formula = as.formula(m$formula), data = data, family = fam)
  if (!is.na(m$weights)) call$weights <- data[[m$weights]]
  if (!is.na(m$offset)) call$offset <- data[[m$offset]]
  parts <- do.call(glFormula, call)
  # With a dispersion, the criterion of lme4 before 2.1, which pylme computes. It had an additional 2.
  new <- packageVersion("lme4") >= "2.1.0"
  settings <- if (new) list(disp_method = "old/buggy", disp_dof_correction = FALSE)
  less <- if (new && m$family %in% c("Gamma", "inverse.gaussian", "gaussian")) 2 else 0
  control <- do.call(glmerControl, c(list(tolPwrss = 1e-14), settings))
  devfun <- do.call(mkGlmerDevfun, c(parts, list(control = control)))
  theta <- numbers(m$theta)
  if (m$n_agq == 0) return(less + devfun(theta))
  devfun <- updateGlmerDevfun(devfun, parts$reTrms, nAGQ = m$n_agq)
  less + devfun(c(theta, numbers(m$beta)))
}
found <- vapply(seq_len(nrow(models)), function(i) {
  tryCatch(suppressMessages(suppressWarnings(value(models[i, ]))), error = function(e) NA_real_)
}, 0)
writeLines(sprintf("%.17g", found), args[3])
