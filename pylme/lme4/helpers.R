# The R side of the bridge: a list of functions, each called from Python by name. What the cross-check
# asks for lies beside it, in system.R.
#
# Everything is reached through accessors (getME, VarCorr, sigma, ...), so that a change of lme4's
# classes does not reach this file. Slots are read only where no accessor exists: @optinfo, @call.

# The text of a condition's call, in one line.
call_text <- function(condition) {
  call <- conditionCall(condition)
  if (is.null(call)) NULL else paste(trimws(deparse(call, width.cutoff = 500L, nlines = 3L)), collapse = " ")
}

# Evaluates expr; gives its value and all that R said meanwhile, in order. An error ends expr and is
# handed back as data: no R error ever crosses into Python.
captured <- function(expr) {
  told <- list()
  note <- function(kind, condition) {
    told[[length(told) + 1L]] <<- list(
      kind = kind, message = sub("\n+$", "", conditionMessage(condition)), call = call_text(condition)
    )
  }
  error <- NULL
  value <- tryCatch(
    withCallingHandlers(
      expr,
      warning = function(w) {
        note("warning", w)
        tryInvokeRestart("muffleWarning")
      },
      message = function(m) {
        note("message", m)
        tryInvokeRestart("muffleMessage")
      }
    ),
    error = function(e) {
      error <<- list(message = conditionMessage(e), call = call_text(e))
      NULL
    },
    interrupt = function(i) {
      error <<- list(interrupted = TRUE)
      NULL
    }
  )
  list(value = value, told = told, error = error)
}

# Evaluates expr and puts back what belongs to the user: the random number generator's state, the
# options, and the global variable that lme4's optimiser wrapper leaves behind.
untouched <- function(expr) {
  global <- globalenv()
  kept <- c(".Random.seed", "curWarnings")
  before <- mget(kept, envir = global, ifnotfound = list(NULL, NULL), inherits = FALSE)
  settings <- options()
  on.exit({
    for (name in kept) {
      if (is.null(before[[name]])) {
        if (exists(name, envir = global, inherits = FALSE)) rm(list = name, envir = global)
      } else {
        assign(name, before[[name]], envir = global)
      }
    }
    now <- options()
    if (!identical(now, settings)) {
      added <- setdiff(names(now), names(settings))
      options(c(settings, structure(vector("list", length(added)), names = added)))
    }
  })
  expr
}

# Evaluates the call of a fit under R's own settings.
as_fitted <- function(expr) {
  untouched({
    options(na.action = "na.omit", contrasts = c("contr.treatment", "contr.poly"))
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
  own <- Filter(function(name) exists(name, envir = globalenv(), mode = "function", inherits = FALSE), ls(globalenv()))
  list(missing = as.character(names[!found]), known = c(own, ls(baseenv()), getNamespaceExports("stats"), exports))
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

# The call of a fit, and the environment for it. The call is built by name, so that fit@call reads as a person would have written it,
# and is evaluated in an environment of its own that holds the data and whatever else it names. Below
# that lie stats and base: a user's `log` or `binomial` in the global environment, and their options,
# must not reach into a fit in silence.
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

# The same call, evaluated where the first was, with another start.
model_refit_from <- function(fit, theta) {
  home <- new.env(parent = environment(stats::formula(fit)))
  home$start <- theta
  call <- fit@call
  call$start <- quote(start)
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
# are gone on with only where they give the very numbers that the installed lme4's lmer gives.
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

# What a study keeps of a fit. The standard errors come from the factor of the fixed effects: vcov()
# looks at the Hessian first, which takes ten times as long and changes nothing of a linear model.
model_record <- function(fit) {
  factor <- lme4::getME(fit, "RX")
  # chol2inv() refuses a matrix without columns, of a model without fixed effects.
  unscaled <- if (ncol(factor) > 0L) diag(chol2inv(factor)) else numeric()
  list(
    estimates = model_estimates(fit), varcorr = model_varcorr(fit), optinfo = model_optinfo(fit),
    std_error = stats::sigma(fit) * sqrt(unscaled), singular = lme4::isSingular(fit)
  )
}

# What was fitted: the parts of the call as text, the method, the family, and the counts.
model_info <- function(fit) {
  linear <- lme4::isLMM(fit)
  shown <- as.list(fit@call)
  text <- function(part) if (is.null(part)) NULL else paste(deparse(part), collapse = "\n")
  family <- if (linear) NULL else stats::family(fit)
  list(
    formula = deparse(stats::formula(fit)),
    data = text(shown$data), weights = text(shown$weights), offset = text(shown$offset),
    control = text(shown$control), subset = text(shown$subset),
    title = lme4::methTitle(lme4::getME(fit, "devcomp")$dims), object_class = class(fit)[1L],
    family = family$family, link = family$link,
    reml = lme4::isREML(fit), use_scale = lme4::getME(fit, "devcomp")$dims[["useSc"]] != 0,
    nobs = stats::nobs(fit), ngrps = as.list(lme4::ngrps(fit)),
    deviance_label = if (lme4::isREML(fit)) "deviance" else names(lme4::llikAIC(fit)$AICtab)[4L],
    fit_messages = as.character(unlist(
      attributes(lme4::getME(fit, "X"))[c("msgRankdrop", "msgScaleX")]
    )),
    versions = session_versions()
  )
}

model_estimates <- function(fit) {
  beta <- lme4::fixef(fit)
  loglik <- stats::logLik(fit)
  X <- lme4::getME(fit, "X")
  list(
    names = names(beta), beta = unname(beta),
    theta = unname(lme4::getME(fit, "theta")), lower = unname(lme4::getME(fit, "lower")),
    sigma = stats::sigma(fit),
    criterion = if (lme4::isREML(fit)) lme4::REMLcrit(fit) else -2 * as.numeric(loglik),
    deviance = if (lme4::isREML(fit)) lme4::REMLcrit(fit) else stats::deviance(fit),
    loglik = as.numeric(loglik), df = attr(loglik, "df"),
    dropped = names(attr(X, "col.dropped"))
  )
}

model_vcov <- function(fit) as.matrix(stats::vcov(fit))

factor_names <- function(fit) {
  flist <- lme4::getME(fit, "flist")
  names(flist)[attr(flist, "assign")]
}

model_varcorr <- function(fit) {
  all <- lme4::VarCorr(fit)
  groups <- factor_names(fit)
  terms <- lapply(seq_along(all), function(i) {
    block <- as.matrix(all[[i]])
    list(group = groups[i], label = names(all)[i], names = colnames(block),
         cov = matrix(as.numeric(block), nrow(block)),
         sd = as.numeric(attr(all[[i]], "stddev")),
         corr = matrix(as.numeric(attr(all[[i]], "correlation")), nrow(block)))
  })
  list(terms = terms, sigma = if (isTRUE(attr(all, "useSc"))) attr(all, "sc"))
}

model_optinfo <- function(fit) {
  info <- fit@optinfo
  checks <- info$conv$lme4
  looked <- checks_made(fit, info)
  list(
    optimizer = as.character(info$optimizer), control = info$control,
    theta = unname(lme4::getME(fit, "theta")), par = as.numeric(info$val),
    feval = info$feval, conv_opt = info$conv$opt, message = info$message,
    checked = !is.null(checks), gradient_checked = looked$gradient, hessian_checked = looked$hessian,
    messages = as.character(unlist(checks$messages)), codes = as.integer(unlist(checks$code)),
    gradient = info$derivs$gradient, hessian = info$derivs$Hessian,
    warnings = vapply(info$warnings, function(w) as.character(if (is.list(w)) w$message else w), "")
  )
}

# lme4's own control, made once: a study asks for it at every fit.
default_control <- local({
  made <- list()
  function(linear) {
    name <- if (linear) "lmerControl" else "glmerControl"
    if (is.null(made[[name]])) made[[name]] <<- getExportedValue("lme4", name)()
    made[[name]]
  }
})

# Which of its checks lme4 went through: a check may be switched off, and a fit that is singular at
# the tolerance asked for is left before gradient and Hessian are looked at.
checks_made <- function(fit, info) {
  control <- if (!is.null(fit@call$control)) {
    eval(fit@call$control, environment(stats::formula(fit)))
  } else default_control(lme4::isLMM(fit))
  asked <- control$checkConv
  bounded <- lme4::getME(fit, "theta")[lme4::getME(fit, "lower") == 0]
  reached <- !is.null(info$conv$lme4) && !is.null(info$derivs) &&
    !any(bounded < asked$check.conv.singular$tol)
  list(gradient = reached && asked$check.conv.grad$action != "ignore",
       hessian = reached && asked$check.conv.hess$action != "ignore")
}

# By position: the first argument's name differs between lme4's versions.
model_is_singular <- function(fit, tol) lme4::isSingular(fit, tol)

model_ranef <- function(fit) {
  modes <- lme4::ranef(fit, condVar = FALSE)
  lapply(names(modes), function(group) {
    table <- modes[[group]]
    list(group = group, names = names(table), levels = rownames(table), modes = as.matrix(table))
  })
}

# Conditional variances of one factor's random effects, as an array of (k, k, levels). lme4 gives
# none between the terms of one factor, so they are computed here from the same factorization:
# sigma^2 Lambda (Lambda' Z'WZ Lambda + I)^-1 Lambda', the blocks of the factor's own columns.
model_ranef_var <- function(fit, group) {
  groups <- factor_names(fit)
  cnms <- lme4::getME(fit, "cnms")
  starts <- lme4::getME(fit, "Gp")
  levels <- nlevels(lme4::getME(fit, "flist")[[group]])
  terms <- which(groups == group)
  columns <- do.call(cbind, lapply(terms, function(term) {
    matrix(starts[term] + seq_len(levels * length(cnms[[term]])), nrow = levels, byrow = TRUE)
  }))
  Lambdat <- lme4::getME(fit, "Lambdat")
  L <- lme4::getME(fit, "L")
  k <- ncol(columns)
  result <- array(0, c(k, k, levels))
  # A bounded number of right-hand sides at a time keeps the memory in bounds.
  for (chunk in split(seq_len(levels), ceiling(seq_len(levels) * k / 512))) {
    at <- as.vector(t(columns[chunk, , drop = FALSE]))
    right <- Lambdat[, at, drop = FALSE]
    solved <- as.matrix(Matrix::crossprod(right, Matrix::solve(L, right, system = "A")))
    for (i in seq_along(chunk)) {
      own <- (i - 1L) * k + seq_len(k)
      result[, , chunk[i]] <- solved[own, own]
    }
  }
  result * stats::sigma(fit)^2
}

model_fitted <- function(fit) as.numeric(stats::fitted(fit))

model_residuals <- function(fit, type) {
  if (type == "scaled") {
    as.numeric(stats::residuals(fit, type = "pearson", scaled = TRUE))
  } else {
    as.numeric(stats::residuals(fit, type = type))
  }
}

# Rows that the model frame lost after the data were complete: transformations that gave NaN.
model_lost_rows <- function(fit) as.integer(attr(stats::model.frame(fit), "na.action"))

# The columns of the model frame, matrices (cbind, poly) spread over columns of their own. No call has
# the columns for arguments: one named `row.names` would be taken for an option of data.frame().
model_columns <- function(fit) {
  frame <- as.list(stats::model.frame(fit))
  spread <- lapply(names(frame), function(name) {
    column <- frame[[name]]
    if (length(dim(column)) != 2L) return(stats::setNames(list(column), name))
    width <- ncol(column)
    parts <- if (is.null(colnames(column))) seq_len(width) else colnames(column)
    parts <- ifelse(nzchar(parts), parts, paste0("V", seq_len(width)))
    stats::setNames(
      lapply(seq_len(width), function(j) as.vector(column[, j])),
      if (width == 1L) name else paste(name, parts, sep = ".")
    )
  })
  do.call(c, spread)
}

# What broom.mixed's augment() adds to the model frame.
model_row_quantities <- function(fit) {
  response <- fit@resp
  parts <- list(
    .fitted = stats::predict(fit), .resid = stats::residuals(fit),
    .hat = if (length(lme4::fixef(fit))) stats::hatvalues(fit),
    .cooksd = if (length(lme4::fixef(fit))) stats::cooks.distance(fit),
    .fixed = stats::predict(fit, re.form = NA), .mu = response$mu, .offset = response$offset,
    .sqrtXwt = response$sqrtXwt, .sqrtrwt = response$sqrtrwt, .weights = response$weights,
    .wtres = response$wtres, .eta = if (lme4::isGLMM(fit)) response$eta
  )
  lapply(Filter(Negate(is.null), parts), as.numeric)
}

# An item of getME in a form that has a counterpart in Python: every sparse matrix in compressed
# columns, the Cholesky factor as its triangle and its permutation (from 0). The criterion as a
# function works on a copy, as evaluating it changes the model that it came from.
model_getme <- function(fit, name) {
  if (name == "devfun") fit <- unserialize(serialize(fit, NULL))
  item <- lme4::getME(fit, name)
  if (methods::is(item, "CHMfactor")) {
    return(list(L = plain_sparse(methods::as(item, "sparseMatrix")), perm = item@perm))
  }
  if (name == "devcomp") return(lapply(item, as.list))
  if (!is.list(item)) return(plain_sparse(item))
  # A grouping factor of several terms comes by the same name for each, which no dict could hold.
  if (!is.null(names(item))) names(item) <- make.unique(names(item))
  lapply(item, plain_sparse)
}

plain_sparse <- function(item) {
  if (!methods::is(item, "sparseMatrix")) return(item)
  methods::as(methods::as(methods::as(item, "dMatrix"), "generalMatrix"), "CsparseMatrix")
}

# Draws after each set.seed(seed), with R's own default generators whatever the user has set: a column
# for each seed, in it the steps one after the other. A step with a covariance is MASS::mvrnorm, any
# other is rnorm.
draw_replicates <- function(seeds, steps) {
  draw <- function(step) {
    if (is.null(step$covariance)) return(stats::rnorm(step$n, sd = step$sd))
    MASS::mvrnorm(step$n, numeric(nrow(step$covariance)), step$covariance, empirical = step$empirical)
  }
  untouched(vapply(seeds, function(seed) {
    set.seed(seed, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")
    unlist(lapply(steps, draw), use.names = FALSE)
  }, numeric(sum(vapply(steps, function(s) s$n * max(1, nrow(s$covariance)), 0)))))
}

evaluate <- function(fun, argument) fun(argument)

getme_names <- function() setdiff(eval(formals(lme4:::getME.merMod)$name), "ALL")

model_serialize <- function(fit) serialize(fit, NULL, xdr = FALSE)

model_unserialize <- function(bytes) unserialize(bytes)

session_versions <- function() {
  version <- function(package) utils::packageDescription(package, fields = "Version")
  list(R = as.character(getRversion()), lme4 = version("lme4"), Matrix = version("Matrix"))
}

# The one door from Python: helper(...) with all conditions caught.
captured_call <- function(helper, ...) captured(helper(...))
