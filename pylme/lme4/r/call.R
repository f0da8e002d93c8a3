# How Python calls R: by the name of a function of this folder, through captured_call(). All files are
# read into one environment.

# The text of a condition's call, in one line.
call_text <- function(condition) {
  call <- conditionCall(condition)
  if (is.null(call)) NULL else paste(trimws(deparse(call, width.cutoff = 500L, nlines = 3L)), collapse = " ")
}

# Evaluates expr; gives its value and all that R said meanwhile, in order. An error ends expr and is
# handed back as data: no R error ever crosses into Python.
captured <- function(expr) {
  said <- list()
  note <- function(kind, condition) {
    said[[length(said) + 1L]] <<- list(
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
  list(value = value, said = said, error = error)
}

# The one door from Python: helper(...) with all conditions caught.
captured_call <- function(helper, ...) captured(helper(...))

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

evaluate <- function(fun, argument) fun(argument)

session_versions <- function() {
  version <- function(package) utils::packageDescription(package, fields = "Version")
  list(R = as.character(getRversion()), lme4 = version("lme4"), Matrix = version("Matrix"))
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
