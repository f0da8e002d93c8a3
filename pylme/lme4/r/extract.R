# What Python asks of a fitted model.
#
# Everything is reached through accessors (getME, VarCorr, sigma, ...), so that a change of lme4's
# classes does not reach this file. Slots are read only where no accessor exists: @optinfo, @call.

# What nearly everybody asks of a fit, in one call: each takes as long as several of these numbers.
model_numbers <- function(fit) {
  list(
    estimates = model_estimates(fit), varcorr = model_varcorr(fit), optinfo = model_optinfo(fit),
    remainder = model_remainder(fit)
  )
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
  # Of a fit that was read, the call as it was.
  original <- environment(stats::formula(fit))$shown
  if (is.list(original)) shown[names(original)] <- original
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
    theta = unname(lme4::getME(fit, "theta")), lower = theta_bounds(fit),
    sigma = stats::sigma(fit),
    criterion = if (lme4::isREML(fit)) lme4::REMLcrit(fit) else -2 * as.numeric(loglik),
    deviance = if (lme4::isREML(fit)) lme4::REMLcrit(fit) else stats::deviance(fit),
    loglik = as.numeric(loglik), df = attr(loglik, "df"),
    dropped = names(attr(X, "col.dropped"))
  )
}

# Lower bounds of theta. For structured terms lme4 2 gives those of other parameters, fewer than theta.
theta_bounds <- function(fit) {
  lower <- unname(lme4::getME(fit, "lower"))
  if (length(lower) == length(lme4::getME(fit, "theta"))) return(lower)
  template <- lme4::getME(fit, "Lambdat")
  diagonal <- rep(seq_len(ncol(template)), diff(template@p)) == template@i + 1L
  on_diagonal <- unique(lme4::getME(fit, "Lind")[diagonal])
  ifelse(seq_along(lme4::getME(fit, "theta")) %in% on_diagonal, 0, -Inf)
}

model_vcov <- function(fit) as.matrix(stats::vcov(fit))

factor_names <- function(fit) {
  flist <- lme4::getME(fit, "flist")
  names(flist)[attr(flist, "assign")]
}

# The covariance structure of each term, and whether it is homogeneous. Before lme4 2 all terms are
# unstructured.
term_structures <- function(fit) {
  if (!"getReCovs" %in% getNamespaceExports("lme4")) {
    return(rep(list(list("us", FALSE)), length(lme4::getME(fit, "cnms"))))
  }
  unname(lapply(lme4::getReCovs(fit), function(each) {
    kind <- sub("^Covariance[.]", "", class(each)[1L])
    list(kind, methods::.hasSlot(each, "hom") && isTRUE(methods::slot(each, "hom")))
  }))
}

model_varcorr <- function(fit) {
  all <- lme4::VarCorr(fit)
  groups <- factor_names(fit)
  structures <- term_structures(fit)
  terms <- lapply(seq_along(all), function(i) {
    block <- as.matrix(all[[i]])
    list(group = groups[i], label = names(all)[i], names = colnames(block),
         kind = structures[[i]][[1L]], hom = structures[[i]][[2L]],
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
  usual <- default_control(lme4::isLMM(fit))
  control <- if (!is.null(fit@call$control)) {
    # A fit that was read may have left behind what its call names.
    tryCatch(
      eval(fit@call$control, environment(stats::formula(fit))), error = function(e) usual
    )
  } else usual
  asked <- control$checkConv
  reached <- !is.null(info$conv$lme4) && !is.null(info$derivs) &&
    !lme4::isSingular(fit, asked$check.conv.singular$tol)
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

getme_names <- function() setdiff(eval(formals(lme4:::getME.merMod)$name), "ALL")

plain_sparse <- function(item) {
  if (!methods::is(item, "sparseMatrix")) return(item)
  methods::as(methods::as(methods::as(item, "dMatrix"), "generalMatrix"), "CsparseMatrix")
}
