# Fits that pylme did not make: read from a file, or held by another user of this R.

read_object <- function(path) readRDS(path)

write_object <- function(fit, path) invisible(saveRDS(fit, path))

object_class <- function(object) as.character(class(object))

# The text of a part of a formula, as R names the columns of a model frame.
one_line <- function(node) paste(deparse(node, width.cutoff = 500L), collapse = " ")

# Whether lme4 2 scaled the columns of X: lmerControl(autoscale = TRUE).
is_autoscaled <- function(fit) !is.null(attr(lme4::getME(fit, "X"), "scaled:scale"))

# A fit of lme4 that R can evaluate again without the data that it was made from: its call names the
# columns of its model frame, log(x) as the name `log(x)`, and finds them in an environment of its own.
# lmerTest's class is lme4's with the parts of a table of tests beside it.
adopt_model <- function(fit) {
  attr(fit, "class") <- structure(if (lme4::isLMM(fit)) "lmerMod" else "glmerMod", package = "lme4")
  formula <- without_doubles(stats::formula(fit))
  frame <- stats::model.frame(fit)
  call <- as.list(fit@call)
  origin <- environment(formula)
  home <- new.env(parent = if (is.null(origin)) asNamespace("stats") else origin)
  lend_functions(setdiff(all.names(fit@call), all.vars(fit@call)), home)
  data <- model_data(fit)
  home$data <- data
  home$shown <- lapply(call[c("data", "weights", "offset", "control", "subset")], identity)
  written <- with_columns(formula, setdiff(names(data), extra_columns(fit)))
  environment(written) <- home
  kept <- call[intersect(names(call), c("REML", "family", "nAGQ", "control", "contrasts"))]
  kept <- Filter(Negate(is.null), Map(function(name, given) lasting(name, given, fit, home), names(kept), kept))
  columns <- extra_columns(fit)
  fun <- if (lme4::isLMM(fit)) quote(lme4::lmer) else quote(lme4::glmer)
  fit@call <- as.call(c(
    list(fun, formula = written, data = quote(data)), kept, lapply(columns, as.name)
  ))
  environment(formula) <- home
  attr(fit@frame, "formula") <- formula
  fit
}

# An argument of the call, or what the fit has of it where the call was made in a function whose variables
# are gone.
lasting <- function(name, given, fit, home) {
  if (!inherits(try(eval(given, home), silent = TRUE), "try-error")) return(given)
  switch(name,
    REML = lme4::isREML(fit),
    family = stats::family(fit),
    nAGQ = fit@devcomp$dims[["nAGQ"]],
    contrasts = attr(lme4::getME(fit, "X"), "contrasts")
  )
}

# The names under which the prior weights and the offset of the call are columns of the data.
extra_columns <- function(fit) {
  there <- intersect(c("(weights)", "(offset)"), names(stats::model.frame(fit)))
  roles <- substr(there, 2L, nchar(there) - 1L)
  given <- lapply(roles, function(role) fit@call[[role]])
  named <- vapply(given, is.name, NA)
  stats::setNames(ifelse(named, vapply(given, one_line, ""), there), roles)
}

# The columns of the model frame as data. An offset in the formula is a column by the text of its argument.
model_data <- function(fit) {
  frame <- stats::model.frame(fit)
  extra <- extra_columns(fit)
  data <- as.list(frame)
  for (role in names(extra)) {
    values <- data[[paste0("(", role, ")")]]
    data[[paste0("(", role, ")")]] <- NULL
    data[[extra[[role]]]] <- as.numeric(values)
  }
  for (name in grep("^offset\\(", names(data), value = TRUE)) {
    argument <- str2lang(name)[[2L]]
    data[[one_line(argument)]] <- as.numeric(data[[name]])
    data[[name]] <- NULL
  }
  X <- lme4::getME(fit, "X")
  data <- Map(function(name, column) {
    if (is.character(column)) text_factor(name, column, colnames(X)) else column
  }, names(data), data)
  structure(data, class = "data.frame", row.names = attr(frame, "row.names"))
}

# The factor that R made of texts, with the order of levels that the columns of X have, which is that of
# the locale in which the model was fitted.
text_factor <- function(name, texts, columns) {
  levels <- sort(unique(texts))
  coded <- columns[match(paste0(name, levels), columns, nomatch = 0L)]
  others <- levels[!paste0(name, levels) %in% columns]
  if (length(coded) && length(others) <= 1L) {
    coded <- columns[columns %in% paste0(name, levels)]
    levels <- c(others, substring(coded, nchar(name) + 1L))
  }
  factor(texts, levels = levels)
}

# A formula with diag(x | g) for (x || g). lme4 writes (x || g) out as several terms, unless its option
# lme4.doublevert.default says "diag_special": then it stays in the formula, and means diag(x | g).
without_doubles <- function(node) {
  if (!is.call(node)) return(node)
  if (identical(node[[1L]], quote(`(`)) && is.call(node[[2L]]) && identical(node[[2L]][[1L]], quote(`||`))) {
    bar <- node[[2L]]
    bar[[1L]] <- quote(`|`)
    return(call("diag", bar))
  }
  for (i in seq_along(node)[-1L]) {
    if (!identical(node[[i]], quote(expr = ))) node[[i]] <- without_doubles(node[[i]])
  }
  node
}

# A formula with a name in the place of each expression that is a column.
with_columns <- function(node, columns) {
  if (!is.call(node)) return(node)
  text <- one_line(node)
  if (text %in% columns) return(as.name(text))
  for (i in seq_along(node)[-1L]) {
    if (!identical(node[[i]], quote(expr = ))) node[[i]] <- with_columns(node[[i]], columns)
  }
  node
}

# What Python needs to know of the model that was fitted, beside its numbers.
model_source <- function(fit) {
  formula <- stats::formula(fit)
  linear <- lme4::isLMM(fit)
  family <- if (linear) NULL else stats::family(fit)
  home <- environment(formula)
  columns <- home$data
  rows <- attr(columns, "row.names")
  described <- function(column) {
    kind <- if (inherits(column, "Date")) "date" else if (inherits(column, "POSIXct")) "time" else ""
    names <- colnames(column)
    if (!is.factor(column)) {
      column <- if (is.logical(column)) as.vector(column) else if (is.null(dim(column))) {
        as.numeric(column)
      } else matrix(as.numeric(column), nrow(column))
    }
    list(values = column, names = names, kind = kind)
  }
  coding <- attr(lme4::getME(fit, "X"), "contrasts")
  checks <- fit@optinfo$conv$lme4
  list(
    formula = one_line(formula), linear = linear, reml = lme4::isREML(fit),
    family = family$family, link = family$link,
    weights = name_of(fit@call$weights), offset = name_of(fit@call$offset),
    columns = lapply(columns, described),
    raw = raw_columns(fit, names(columns)),
    labels = if (is.character(rows) || !identical(as.integer(rows), seq_along(rows))) rows,
    contrasts = lapply(coding[!coding_is_default(coding, columns)], identity),
    by_argument = !is.null(fit@call$contrasts),
    said = c(
      vapply(fit@optinfo$warnings, function(w) as.character(if (is.list(w)) w$message else w), ""),
      as.character(unlist(checks$messages))
    )
  )
}

name_of <- function(symbol) if (!is.null(symbol)) as.character(symbol)

coding_is_default <- function(coding, columns) {
  vapply(names(coding), function(name) {
    usual <- if (is.ordered(columns[[name]])) "contr.poly" else "contr.treatment"
    identical(coding[[name]], usual)
  }, NA)
}

# The variables in the expressions of a formula, in the rows used, if the data can still be reached from
# the fit and give the same model frame. Otherwise none.
raw_columns <- function(fit, known) {
  home <- environment(stats::formula(fit))
  given <- home$shown$data
  wanted <- setdiff(all.vars(stats::formula(fit)), known)
  if (!length(wanted)) return(NULL)
  data <- given
  if (is.name(given)) data <- get0(as.character(given), envir = parent.env(home))
  if (!is.data.frame(data)) return(NULL)
  frame <- stats::model.frame(fit)
  at <- match(row.names(frame), row.names(data))
  wanted <- intersect(wanted, names(data))
  if (anyNA(at) || !length(wanted)) return(NULL)
  data <- as.data.frame(data)[at, , drop = FALSE]
  same <- vapply(setdiff(names(frame), c("(weights)", "(offset)")), function(text) tryCatch({
    value <- eval(str2lang(if (make.names(text) == text) text else quoted_name(text, data)), data, home)
    if (is.factor(value) || is.character(value)) {
      identical(as.character(value), as.character(frame[[text]]))
    } else {
      isTRUE(all.equal(as.numeric(value), as.numeric(frame[[text]]), tolerance = 1e-12))
    }
  }, error = function(e) FALSE), NA)
  if (all(same)) lapply(data[wanted], function(column) {
    if (is.factor(column)) column else if (is.character(column)) factor(column) else as.numeric(column)
  })
}

quoted_name <- function(text, data) if (text %in% names(data)) paste0("`", text, "`") else text
