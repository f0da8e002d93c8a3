# A fit with a covariance structure, as lme4 2.1-0 on R 4.6.1 saves it: structured_by_lme4_2.rds. Run it
# in the folder of this file. The formula has no environment of its own, so that the file is small.
suppressMessages(library(lme4))
set.seed(1)
d <- data.frame(g = gl(6, 6), t = gl(3, 2, 36))
d$y <- round(rnorm(6)[d$g] + rnorm(36), 2)
formula <- y ~ 1 + ar1(0 + t | g)
environment(formula) <- baseenv()
fit <- lmer(formula, d)
print(fit, digits = 8)
saveRDS(fit, "structured_by_lme4_2.rds", version = 2, compress = "xz")
