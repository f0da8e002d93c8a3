# The native side of the benchmarks of fits: Rscript r_scripts/native_fits.R
#
# An R that fits with lme4's own lmer, times itself, and is told what to do over a pipe, so that it
# takes turns with the other sides. Reads a command a line from standard input, words parted by
# tabs, and answers each with a line of numbers, the parts again parted by tabs:
#
#   blas                                       the files that BLAS and LAPACK are in
#   read NAME DIRECTORY                        takes a frame into memory; answers its rows
#   fit NAME FORMULA                           seconds; criterion; fixef; their errors; sdcor
#   generalized NAME FORMULA KIND              seconds; -2 logLik; of glmer or glmer.nb
#   loop NAME FORMULA RESPONSE FILE            a fit for each column of FILE: seconds; criteria
#   influence NAME FORMULA GROUP               lme4's influence() of a fit: seconds; coefficients
#   after NAME FORMULA EXPRESSION              seconds of an expression in `fit`, a fit that is not
#                                              timed; the numbers that it gives

# Sys.time() is finer than proc.time()'s milliseconds, which are a tenth of the smallest fit.
now <- function() as.numeric(Sys.time())

# The numbers of a file as they lie in the memory of the side that wrote them.
read_numbers <- function(path, what, size) readBin(path, what, file.size(path) / size, size)

read_column <- function(stem, kind) {
  numbers <- paste0(stem, ".bin")
  switch(kind,
    float = read_numbers(numbers, "double", 8L),
    int = read_numbers(numbers, "integer", 4L),
    factor = structure(
      read_numbers(numbers, "integer", 4L),
      levels = readLines(paste0(stem, ".levels")), class = "factor"
    )
  )
}

read_frame <- function(directory) {
  lines <- strsplit(readLines(file.path(directory, "columns.txt")), "\t", fixed = TRUE)
  stems <- file.path(directory, seq_along(lines) - 1L)
  columns <- Map(read_column, stems, vapply(lines, `[[`, "", 2L))
  as.data.frame(setNames(columns, vapply(lines, `[[`, "", 1L)))
}

# A fit and the reading of all that the other sides read.
fitted_and_read <- function(formula, data) {
  started <- now()
  fit <- lme4::lmer(formula, data)
  fixef <- lme4::fixef(fit)
  errors <- sqrt(Matrix::diag(stats::vcov(fit)))
  varcorr <- as.data.frame(lme4::VarCorr(fit))
  seconds <- now() - started
  list(seconds, lme4::REMLcrit(fit), fixef, errors, varcorr$sdcor)
}

generalized <- function(formula, data, kind) {
  started <- now()
  fit <- suppressMessages(
    if (kind == "negative") lme4::glmer.nb(formula, data) else lme4::glmer(formula, data, binomial)
  )
  read <- list(lme4::fixef(fit), sqrt(Matrix::diag(stats::vcov(fit))), as.data.frame(lme4::VarCorr(fit)))
  list(now() - started, -2 * as.numeric(stats::logLik(fit)))
}

looped <- function(formula, data, response, responses) {
  started <- now()
  criteria <- numeric(ncol(responses))
  for (i in seq_along(criteria)) {
    data[[response]] <- responses[, i]
    criteria[[i]] <- fitted_and_read(formula, data)[[2L]]
  }
  list(now() - started, criteria)
}

influenced <- function(formula, data, group) {
  fit <- lme4::lmer(formula, data)
  started <- now()
  found <- stats::influence(fit, groups = group)
  seconds <- now() - started
  list(seconds, as.numeric(t(found[[paste0("fixed.effects[-", group, "]")]])))
}

after <- function(formula, data, expression) {
  # Packages look for the data where the formula was written.
  environment(formula) <- environment()
  fit <- lme4::lmer(formula, data)
  started <- now()
  value <- eval(expression)
  list(now() - started, as.double(value))
}

frames <- list()
commands <- list(
  blas = function() list(extSoftVersion()[["BLAS"]], La_library()),
  read = function(name, directory) {
    frames[[name]] <<- read_frame(directory)
    list(nrow(frames[[name]]))
  },
  fit = function(name, formula) fitted_and_read(stats::as.formula(formula), frames[[name]]),
  generalized = function(name, formula, kind) {
    generalized(stats::as.formula(formula), frames[[name]], kind)
  },
  loop = function(name, formula, response, file) {
    responses <- matrix(read_numbers(file, "double", 8L), nrow(frames[[name]]))
    looped(stats::as.formula(formula), frames[[name]], response, responses)
  },
  influence = function(name, formula, group) {
    influenced(stats::as.formula(formula), frames[[name]], group)
  },
  after = function(name, formula, text) {
    after(stats::as.formula(formula), frames[[name]], parse(text = text))
  }
)

shown <- function(part) paste(if (is.double(part)) sprintf("%.17g", part) else part, collapse = " ")

# What lme4 warns of is the other benchmark's: here it would only fill the standard error.
options(warn = -1)
invisible(loadNamespace("lme4"))
input <- file("stdin", "r")
while (length(line <- readLines(input, 1L))) {
  words <- strsplit(line, "\t", fixed = TRUE)[[1L]]
  answer <- do.call(commands[[words[[1L]]]], as.list(words[-1L]))
  cat(vapply(answer, shown, ""), sep = "\t")
  cat("\n")
}
