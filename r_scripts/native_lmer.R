# The native side of the benchmarks: lme4's own lmer on a frame that is in R already, and the reading
# of what pylme's side reads. Sourced into the R of the process that measures both.

native_lmer <- function(formula, data) {
  fit <- lme4::lmer(formula, data)
  list(
    fixef = lme4::fixef(fit), varcorr = as.data.frame(lme4::VarCorr(fit)),
    optinfo = fit@optinfo, singular = lme4::isSingular(fit)
  )
}
