# What pylme.doctor() asks of R: Rscript doctor.R [fit]
#
# Prints lines of "pylme", key and value between tabs, so that what a user's own start-up files print
# can be told apart. With the argument "fit" a small model is fitted as well.

say <- function(key, value) {
  cat("pylme", key, gsub("[\t\r\n]+", " ", value), sep = "\t")
  cat("\n")
}

resolved <- function(path) if (nzchar(path)) normalizePath(path, mustWork = FALSE) else ""

say("version", paste(R.version$major, R.version$minor, sep = "."))
say("blas", resolved(extSoftVersion()[["BLAS"]]))
say("lapack", paste0(resolved(La_library()), " (LAPACK ", La_version(), ")"))
for (package in c("lme4", "Matrix", "nlme", "minqa", "nloptr")) {
  version <- suppressWarnings(utils::packageDescription(package, fields = "Version"))
  say(package, if (is.na(version)) "" else version)
}

if ("fit" %in% commandArgs(TRUE)) {
  tryCatch(
    {
      fit <- lme4::lmer(Yield ~ 1 + (1 | Batch), lme4::Dyestuff)
      say("criterion", sprintf("%.9f", lme4::REMLcrit(fit)))
    },
    error = function(e) say("failure", conditionMessage(e))
  )
}
