# What the cross-check asks of lme4.

# What a second opinion on a fit needs, in one call: the matrices that lme4 built, as they are, and
# what it found. The covariance of the fixed effects is what vcov() computes, without the time that
# it takes to wrap it.
model_system <- function(fit) {
  flist <- lme4::getME(fit, "flist")
  Lambdat <- lme4::getME(fit, "Lambdat")
  Zt <- plain_sparse(lme4::getME(fit, "Zt"))
  X <- lme4::getME(fit, "X")
  linear <- lme4::isLMM(fit)
  list(
    linear = linear, reml = lme4::isREML(fit),
    y = as.numeric(lme4::getME(fit, "y")),
    X = matrix(as.numeric(X), nrow(X)), x_names = colnames(X),
    Zt_x = Zt@x, Zt_i = Zt@i, Zt_p = Zt@p, Gp = lme4::getME(fit, "Gp"),
    cnms = unname(lme4::getME(fit, "cnms")), structures = term_structures(fit),
    factors = names(flist), assign = attr(flist, "assign"),
    codes = unname(lapply(flist, as.integer)), levels = unname(lapply(flist, levels)),
    Lambdat_i = Lambdat@i, Lambdat_p = Lambdat@p, Lind = lme4::getME(fit, "Lind"),
    weights = as.numeric(stats::weights(fit, "prior")),
    offset = as.numeric(lme4::getME(fit, "offset")),
    theta = unname(lme4::getME(fit, "theta")), beta = unname(lme4::getME(fit, "beta")),
    u = as.numeric(lme4::getME(fit, "u")), b = as.numeric(lme4::getME(fit, "b")),
    sigma = stats::sigma(fit),
    vcov = if (linear) {
      if (ncol(X)) stats::sigma(fit)^2 * chol2inv(lme4::getME(fit, "RX")) else matrix(0, 0L, 0L)
    },
    criterion = if (lme4::isREML(fit)) lme4::REMLcrit(fit) else -2 * as.numeric(stats::logLik(fit)),
    gradient = fit@optinfo$derivs$gradient,
    trials = if (!linear) as.numeric(fit@resp$n),
    n_agq = if (!linear) lme4::getME(fit, "devcomp")$dims[["nAGQ"]],
    shape = if (!linear && grepl("^Negative Binomial", stats::family(fit)$family)) {
      lme4::getME(fit, "glmer.nb.theta")
    }
  )
}

# The criterion of a generalized model by lme4's own function at the fit's parameters, where the
# iterations for the mode go on until D + u'u changes by less than the tolerance: 1e-14 of itself, or
# the smallest with which they end.
model_tight_criterion <- function(fit) {
  parts <- lme4::getME(fit, c("Zt", "theta", "Lind", "Gp", "lower", "Lambdat", "flist", "cnms"))
  n_agq <- lme4::getME(fit, "devcomp")$dims[["nAGQ"]]
  value <- function(tolerance) {
    # lme4 changes these where they are.
    parts$theta <- parts$theta + 0
    parts$Lambdat@x <- parts$Lambdat@x + 0
    devfun <- lme4::mkGlmerDevfun(
      stats::model.frame(fit), lme4::getME(fit, "X"), parts, fit@resp$family, nAGQ = 0L,
      control = lme4::glmerControl(tolPwrss = tolerance)
    )
    # It looks for lme4's own functions where it was made.
    parent.env(environment(devfun)) <- asNamespace("lme4")
    if (n_agq == 0L) return(devfun(parts$theta))
    devfun <- lme4::updateGlmerDevfun(devfun, parts, nAGQ = n_agq)
    devfun(c(parts$theta, unname(lme4::fixef(fit))))
  }
  for (tolerance in 10^-(14:10)) {
    found <- suppressMessages(suppressWarnings(
      tryCatch(value(tolerance), error = function(e) NA_real_)
    ))
    if (is.finite(found)) break
  }
  control <- tryCatch(
    eval(fit@call$control, environment(stats::formula(fit))), error = function(e) NULL
  )
  own <- if (is.null(control$tolPwrss)) lme4::glmerControl()$tolPwrss else control$tolPwrss
  list(value = found, tolerance = tolerance, own_tolerance = own)
}

# How much of the response about its mean a fit leaves to the residual, as a share of the sum of
# squares; NaN where an estimate is not finite, 1 for models without a dispersion. It shows a fit that broke down.
# 0 where the effects are as many as the rows: a fit may then be a local minimum of a criterion that
# has no other.
model_remainder <- function(fit) {
  found <- c(lme4::fixef(fit), lme4::getME(fit, "theta"), stats::sigma(fit), stats::logLik(fit))
  if (!all(is.finite(found))) return(NaN)
  linear <- lme4::isLMM(fit)
  if (!linear && !stats::family(fit)$family %in% c("Gamma", "inverse.gaussian", "gaussian")) {
    return(1)
  }
  if (sum(unlist(lme4::getME(fit, c("p", "q")))) >= stats::nobs(fit)) return(0)
  y <- as.numeric(lme4::getME(fit, "y"))
  weights <- as.numeric(stats::weights(fit, "prior"))
  left <- if (linear) {
    y <- y - as.numeric(lme4::getME(fit, "offset"))
    stats::sigma(fit)^2 * length(y)
  } else {
    sum(weights * (y - as.numeric(stats::fitted(fit)))^2)
  }
  left / sum(weights * (y - stats::weighted.mean(y, weights))^2)
}
