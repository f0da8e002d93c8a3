# Fits: the call as a person would have written it, evaluated by lme4; a model fitted to many responses.

# Evaluates the call of a fit under R's own settings. lme4 2 lets an option decide what (x || g) means;
# pylme's formulas mean one thing on both engines, and diag(x | g) says the other.
as_fitted <- function(expr) {
  untouched({
    options(
      na.action = "na.omit", contrasts = c("contr.treatment", "contr.poly"),
      lme4.doublevert.default = "split"
    )
    expr
  })
}

# The functions that a formula calls, where base R and stats do not have them: from lme4 and splines,
# and else the user's own, which pylme.allow_function() let in.
lend_functions <- function(names, home) {
  exported <- function(name, package) name %in% getNamespaceExports(package)
  for (name in names) {
    if (exists(name, envir = baseenv(), inherits = FALSE) || exported(name, "stats")) next
    if (exported(name, "lme4")) {
      found <- getExportedValue("lme4", name)
    } else if (exported(name, "splines")) {
      found <- getExportedValue("splines", name)
    } else {
      found <- get0(name, envir = globalenv(), mode = "function")
    }
    if (!is.null(found)) assign(name, found, envir = home)
  }
}

# Of the functions that a formula calls, those that a fit would not find, and the names of what it would.
missing_functions <- function(names) {
  exports <- c(getNamespaceExports("lme4"), getNamespaceExports("splines"))
  home <- asNamespace("stats")
  found <- names %in% exports | vapply(names, exists, NA, envir = home, mode = "function")
  if (all(found)) return(list(missing = character(), known = character()))
  is_function <- function(name) exists(name, envir = globalenv(), mode = "function", inherits = FALSE)
  known <- c(
    Filter(is_function, ls(globalenv())), ls(baseenv()), getNamespaceExports("stats"), exports
  )
  list(missing = as.character(names[!found]), known = known)
}

# R's functions that make factors, for data with times: the texts of levels are those of format(), to the
# second, for all times alike. Since R 4.3 factor() writes each by itself, midnight without the hour.
lend_factors <- function(functions, data, home) {
  if (!any(vapply(data, inherits, NA, "POSIXct"))) return(invisible())
  as_text <- function(x) {
    if (!inherits(x, "POSIXct")) return(x)
    clock <- as.POSIXlt(x)
    midnight <- all(clock$hour == 0 & clock$min == 0 & clock$sec == 0, na.rm = TRUE)
    format(x, if (midnight) "%Y-%m-%d" else "%Y-%m-%d %H:%M:%S")
  }
  for (name in intersect(functions, c("factor", "as.factor", "ordered", "as.ordered"))) {
    assign(name, local({
      make <- get(name, envir = baseenv())
      function(x, ...) make(as_text(x), ...)
    }), envir = home)
  }
}

# The call of a fit, and the environment for it. The call is built by name, so that fit@call reads as a
# person would have written it, and is evaluated in an environment of its own that holds the data and
# whatever else it names. Below that lie stats and base: a user's `log` or `binomial` in the global
# environment, and their options, must not reach into a fit in silence.
#   fun        lmer, glmer or glmer.nb
#   formula    text, checked by pylme's own parser before it comes here
#   functions  the functions that it calls
#   symbols    named list of column names to be passed as symbols (weights, offset)
#   literals   named list of values that stand in the call as they are (REML, nAGQ)
#   bound      named list of values that the call refers to by their name (start, contrasts)
#   calls      named list of lists(fun, args) that stand in the call as calls (control, family)
model_call <- function(fun, formula, functions, data, symbols, literals, bound, calls) {
  home <- new.env(parent = asNamespace("stats"))
  home$data <- data
  lend_functions(functions, home)
  lend_factors(functions, data, home)
  for (name in names(bound)) assign(name, bound[[name]], envir = home)
  from_lme4 <- function(name) call("::", quote(lme4), as.name(name))
  written <- lapply(calls, function(part) {
    head <- if (part$fun %in% c("lmerControl", "glmerControl")) from_lme4(part$fun) else as.name(part$fun)
    as.call(c(list(head), part$args))
  })
  call <- as.call(c(
    list(from_lme4(fun), formula = eval(str2lang(formula), home), data = quote(data)),
    written[names(written) == "family"],
    literals,
    lapply(symbols, as.name),
    sapply(names(bound), as.name, simplify = FALSE),
    written[names(written) != "family"]
  ))
  list(call = call, home = home)
}

fit_model <- function(...) {
  built <- model_call(...)
  as_fitted(eval(built$call, built$home))
}

# Whether Z has no element but zeros, on which lme4 ends the process. What else may be wrong, the fit
# itself says.
effects_are_zero <- function(fun, ...) {
  built <- model_call(fun, ...)
  parts <- built$call
  parts[[1L]] <- if (fun == "lmer") quote(lme4::lFormula) else quote(lme4::glFormula)
  if (fun == "glmer.nb") parts$family <- quote(poisson)
  tryCatch(
    suppressMessages(suppressWarnings({
      Zt <- as_fitted(eval(parts, built$home))$reTrms$Zt
      !any(is.na(Zt@x) | Zt@x != 0)
    })),
    error = function(e) FALSE
  )
}

# The same call, evaluated where the first was, with another start: theta, for a generalized model beta
# too, and another dispersion of a negative binomial.
model_refit_from <- function(fit, theta, beta = NULL, shape = NULL) {
  home <- new.env(parent = environment(stats::formula(fit)))
  home$start <- if (is.null(beta)) theta else list(theta = theta, fixef = beta)
  call <- fit@call
  call$start <- quote(start)
  if (!is.null(beta)) {
    # glmer() first searches with beta at the joint mode, which would leave the start behind; and at
    # its usual tolerance the errors of its criterion would lead the search away from an optimum.
    control <- if (is.null(call$control)) lme4::glmerControl() else eval(call$control, home)
    control$nAGQ0initStep <- FALSE
    control$tolPwrss <- min(control$tolPwrss, 1e-10)
    home$control <- control
    call$control <- quote(control)
  }
  if (!is.null(shape)) call$family <- bquote(MASS::negative.binomial(theta = .(shape)))
  as_fitted(eval(call, home))
}

# Fits of one linear model to many responses, prepared: what depends on the other columns alone is made
# once, by the steps that lme4 offers for lmer's parts (help("modular", "lme4")). `response` is the name
# of the column that is the left side of the formula. An expression there gets a column of its own, named
# by `response`, its text: the responses to come are its values.
prepare_call <- function(response, ...) prepared_responses(response, model_call("lmer", ...))

prepare_fit <- function(response, fit) {
  prepared_responses(response, list(call = fit@call, home = environment(stats::formula(fit))))
}

prepared_responses <- function(response, built) {
  # An environment of its own: a fit's data are not to be written to.
  home <- new.env(parent = built$home)
  home$data <- built$home$data
  built$call$formula <- eval(built$call$formula, home)
  if (!is.name(built$call$formula[[2L]])) {
    home$data[[response]] <- as.numeric(as_fitted(eval(built$call$formula[[2L]], home$data, home)))
    built$call$formula[[2L]] <- as.name(response)
  }
  parts <- built$call
  parts[[1L]] <- quote(lme4::lFormula)
  given <- function(name, default) {
    if (is.null(built$call[[name]])) default else eval(built$call[[name]], home)
  }
  prepared <- new.env(parent = emptyenv())
  prepared$parts <- as_fitted(eval(parts, home))
  prepared$call <- built$call
  prepared$home <- home
  prepared$response <- response
  prepared$control <- given("control", lme4::lmerControl())
  prepared$start <- given("start", NULL)
  prepared$rows <- setdiff(seq_len(nrow(home$data)), attr(prepared$parts$fr, "na.action"))
  prepared$agreed <- 0L
  prepared
}

# Fits one response. The first two are fitted by lmer and by the steps: these are those of lme4 1.1, and
# are used further only where they give exactly the numbers that the installed lme4's lmer gives.
fit_response <- function(prepared, y) {
  whole <- function() {
    prepared$home$data[[prepared$response]] <- y
    as_fitted(eval(prepared$call, prepared$home))
  }
  if (is.na(prepared$agreed)) return(whole())
  if (prepared$agreed == 2L) return(as_fitted(fit_by_steps(prepared, y)))
  asked <- whole()
  steps <- tryCatch(
    suppressMessages(suppressWarnings(as_fitted(fit_by_steps(prepared, y)))),
    error = function(e) NULL
  )
  agree <- !is.null(steps) && same_fit(asked, steps)
  prepared$agreed <- if (agree) prepared$agreed + 1L else NA_integer_
  asked
}

fit_by_steps <- function(prepared, y) {
  parts <- prepared$parts
  control <- prepared$control
  parts$fr[[prepared$response]] <- y[prepared$rows]
  # lme4 changes theta and Lambdat where they are: each fit has its own.
  parts$reTrms$theta <- parts$reTrms$theta + 0
  parts$reTrms$Lambdat@x <- parts$reTrms$Lambdat@x + 0
  call <- prepared$call
  call$formula <- parts$formula
  parts$formula <- NULL
  devfun <- do.call(
    lme4::mkLmerDevfun, c(parts, list(start = prepared$start, verbose = 0L, control = control))
  )
  optimum <- lme4::optimizeLmer(
    devfun, optimizer = control$optimizer, restart_edge = control$restart_edge,
    boundary.tol = control$boundary.tol, control = control$optCtrl, verbose = 0L,
    start = prepared$start, calc.derivs = control$calc.derivs,
    use.last.params = control$use.last.params
  )
  checks <- lme4::checkConv(
    attr(optimum, "derivs"), optimum$par, ctrl = control$checkConv,
    lbound = environment(devfun)$lower
  )
  lme4::mkMerMod(
    environment(devfun), optimum, parts$reTrms, fr = parts$fr, mc = call, lme4conv = checks
  )
}

same_fit <- function(a, b) {
  numbers <- function(fit) list(
    lme4::getME(fit, "theta"), lme4::fixef(fit), stats::sigma(fit), as.numeric(stats::logLik(fit)),
    fit@optinfo
  )
  identical(numbers(a), numbers(b))
}

model_serialize <- function(fit) serialize(fit, NULL, xdr = FALSE)

model_unserialize <- function(bytes) unserialize(bytes)
