# The native side of the benchmark of the study: Rscript r_scripts/native_study.R REPLICATES
#
# The loop of the question itself: two sectors of 20 schools, ses 1..10, correlations of +0.4 and
# -0.4; one fit for each sector and the combined one, three a replicate. Prints the seconds of the
# loop, the replicates in which all three "converged", and the mean correlations: separate fits and
# combined model, sector 0 and 1 of each, over all replicates.

intercept <- 1
slopes <- c(2, 3)
correlations <- c(0.4, -0.4)

simulated_sector <- function(sector) {
  covariance <- correlations[[sector + 1L]] * 2
  effects <- MASS::mvrnorm(
    20L, c(0, 0), matrix(c(4, covariance, covariance, 1), 2L), empirical = TRUE
  )
  rows <- expand.grid(school = 1:20, ses = 1:10)
  errors <- stats::rnorm(nrow(rows), sd = 2)
  slope <- slopes[[sector + 1L]] + effects[rows$school, 2L]
  data.frame(
    sch.id = factor(rows$school + 20L * sector, levels = 1:40),
    sector = factor(sector, levels = 0:1),
    ses = rows$ses,
    Y = intercept + effects[rows$school, 1L] + slope * rows$ses + errors
  )
}

# The helper that everybody copies: 1 converged, 0 singular, -1 not converged.
convergence_code <- function(fit) {
  if (is.null(unlist(fit@optinfo$conv$lme4))) 1 else if (lme4::isSingular(fit)) 0 else -1
}

correlation <- function(fit) attr(lme4::VarCorr(fit)$sch.id, "correlation")

replicate_of <- function(seed) {
  set.seed(seed)
  sectors <- list(simulated_sector(0L), simulated_sector(1L))
  separate <- lapply(sectors, function(data) lme4::lmer(Y ~ ses + (ses | sch.id), data))
  combined <- lme4::lmer(Y ~ ses * sector + (ses:sector | sch.id), do.call(rbind, sectors))
  codes <- vapply(c(separate, combined), convergence_code, 0)
  c(
    all(codes == 1), vapply(separate, function(fit) correlation(fit)[1L, 2L], 0),
    correlation(combined)[1L, 2:3]
  )
}

options(warn = -1)
invisible(loadNamespace("lme4"))
started <- as.numeric(Sys.time())
replicates <- vapply(seq_len(as.integer(commandArgs(TRUE)[[1L]])), replicate_of, numeric(5L))
seconds <- as.numeric(Sys.time()) - started
means <- rowMeans(replicates[-1L, , drop = FALSE], na.rm = TRUE)
cat(sprintf("%.17g", c(seconds, sum(replicates[1L, ]), means)), "\n")
