# Degrees of freedom, F tests and adjusted covariances by lmerTest and pbkrtest, at optima that a few
# Newton steps have made exact: lme4 stops short of them, and df depend on theta in the first order.
# Writes JSON: the data of each model, theta, and the answers.
suppressMessages({library(lmerTest); library(pbkrtest); library(jsonlite)})
options(warn = -1)
for (set in list(c("lmerTest", "ham"), c("lmerTest", "carrots"), c("lmerTest", "TVbo"),
                 c("pbkrtest", "beets"), c("mlmRev", "Exam"), c("nlme", "Machines"),
                 c("nlme", "Oats"), c("nlme", "Orthodont"), c("MASS", "oats")))
  data(list = set[2], package = set[1], envir = environment())
for (item in c("sleepstudy", "Penicillin", "Pastes", "cake", "Dyestuff", "Dyestuff2", "InstEval"))
  data(list = item, package = "lme4", envir = environment())
set.seed(1)
thin <- sleepstudy[sort(sample(nrow(sleepstudy), 120)), ]
thin$G <- factor(sample(c("a", "b", "c"), 120, TRUE))
thin$H <- factor(sample(c("u", "v"), 120, TRUE))
thin$w <- runif(120, .5, 2)
thin$o <- rnorm(120)
thin$Days2 <- 2 * thin$Days
Oats <- as.data.frame(Oats); Oats$Plot <- factor(paste(Oats$Block, Oats$Variety))
Machines <- as.data.frame(Machines)
Machines$Worker <- factor(as.character(Machines$Worker), levels = as.character(1:6))
Orthodont <- as.data.frame(Orthodont)
Orthodont$Subject <- factor(as.character(Orthodont$Subject))
cake$replicate <- factor(cake$replicate)
Exam <- droplevels(Exam[Exam$school %in% levels(Exam$school)[1:12], ])
busy <- names(sort(table(InstEval$s), decreasing = TRUE))[1:5]
inst <- droplevels(InstEval[InstEval$s %in% busy, ])
carrots$Consumer <- factor(carrots$Consumer)
some <- droplevels(carrots[carrots$Consumer %in% levels(carrots$Consumer)[1:30], ])
models <- list(
  sleepstudy = list(Reaction ~ Days + (Days | Subject), sleepstudy),
  sleepstudy_ml = list(Reaction ~ Days + (Days | Subject), sleepstudy, reml = FALSE),
  sleepstudy_apart = list(Reaction ~ Days + (Days || Subject), sleepstudy),
  thin = list(Reaction ~ G * H + Days + (Days | Subject), thin),
  thin_interactions = list(Reaction ~ G * Days + H + (1 | Subject), thin),
  thin_aliased = list(Reaction ~ Days + Days2 + G + (1 | Subject), thin),
  thin_weighted = list(Reaction ~ G + Days + (Days | Subject), thin, weights = "w", offset = "o"),
  machines = list(score ~ Machine + (1 | Worker) + (1 | Worker:Machine), Machines),
  machines_slopes = list(score ~ Machine + (Machine | Worker), Machines),
  penicillin = list(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin),
  pastes = list(strength ~ 1 + (1 | batch / cask), Pastes),
  cake = list(angle ~ recipe * temperature + (1 | recipe:replicate), cake),
  cake_covariate = list(angle ~ recipe + temp + (1 | recipe:replicate), cake),
  oats = list(yield ~ Variety * nitro + (1 | Block / Plot), Oats),
  oats_ml = list(yield ~ Variety * nitro + (1 | Block / Plot), Oats, reml = FALSE),
  ham = list(Informed.liking ~ Product * Information + (1 | Consumer), ham),
  carrots = list(Preference ~ sens2 + Homesize + (1 + sens2 | Consumer), some),
  tvbo = list(Coloursaturation ~ TVset * Picture + (1 | Assessor) + (1 | Assessor:TVset), TVbo),
  beets = list(sugpct ~ block + sow + harvest + (1 | block:harvest), beets),
  exam = list(normexam ~ standLRT + sex + type + (standLRT | school), Exam),
  orthodont = list(distance ~ age * Sex + (age | Subject), Orthodont),
  insteval = list(y ~ service + lectage + (1 | s) + (1 | d) + (1 | dept), inst),
  dyestuff = list(Yield ~ 1 + (1 | Batch), Dyestuff),
  dyestuff2 = list(Yield ~ 1 + (1 | Batch), Dyestuff2)
)
exact <- function(devfun, theta, lower) {
  free <- theta > 1e-3 | lower < 0
  at <- function(t) { full <- theta; full[free] <- t; devfun(full) }
  if (any(free)) for (step in 1:3) {
    H <- numDeriv::hessian(at, theta[free]); g <- numDeriv::grad(at, theta[free])
    theta[free] <- theta[free] - solve(H, g)
  }
  devfun(theta)
  theta
}
answer <- function(model) {
  data <- model[[2]]
  call <- list(formula = model[[1]], data = data, REML = !identical(model$reml, FALSE),
               control = lme4::lmerControl(calc.derivs = FALSE))
  if (!is.null(model$weights)) call$weights <- data[[model$weights]]
  if (!is.null(model$offset)) call$offset <- data[[model$offset]]
  parsed <- do.call(lme4::lFormula, call)
  devfun <- do.call(lme4::mkLmerDevfun, parsed)
  opt <- lme4::optimizeLmer(devfun)
  lower <- environment(devfun)$lower
  theta <- exact(devfun, opt$par, lower)
  fit <- lme4::mkMerMod(environment(devfun), list(par = theta, fval = devfun(theta), conv = 0,
    message = NULL), parsed$reTrms, fr = parsed$fr)
  fit@call <- as.call(c(quote(lme4::lmer), call))
  test <- lmerTest:::as_lmerModLT(fit, devfun)
  p <- length(lme4::fixef(fit))
  tables <- function(ddf) lapply(c(I = "I", II = "II", III = "III"), function(type) {
    table <- anova(test, type = type, ddf = ddf)
    list(terms = rownames(table), table = unname(as.matrix(as.data.frame(table))))
  })
  out <- list(theta = theta, beta = unname(lme4::fixef(fit)), names = names(lme4::fixef(fit)),
    vcov = as.matrix(vcov(fit)), coefficients = unname(coef(summary(test))))
  out$joint <- unlist(contest(test, diag(p), joint = TRUE)[c("F value", "NumDF", "DenDF")])
  out$tables <- tables("Satterthwaite")
  out$dropped <- tryCatch({
    table <- drop1(test)
    list(terms = rownames(table), table = unname(as.matrix(as.data.frame(table))))
  }, error = function(e) NULL)
  if (is.null(model$weights) && call$REML) {
    adjusted <- vcovAdj(fit)
    out$adjusted <- as.matrix(adjusted)
    out$kr_df <- sapply(seq_len(p), function(i) Lb_ddf(diag(p)[i, ], vcov(fit), adjusted))
    if (p > 1) {
      kr <- KRmodcomp(fit, cbind(0, diag(p - 1)))$stats
      out$kr_joint <- c(kr$Fstat, kr$ndf, kr$ddf)
    }
  }
  out$formula <- paste(deparse(model[[1]], width.cutoff = 500), collapse = " ")
  out$reml <- call$REML
  out$weights <- model$weights
  out$offset <- model$offset
  used <- intersect(all.vars(model[[1]]), names(data))
  used <- c(used, model$weights, model$offset)
  out$data <- lapply(setNames(used, used), function(name) {
    value <- data[[name]]
    if (is.factor(value)) list(codes = as.integer(value) - 1L, levels = levels(value),
                               ordered = is.ordered(value))
    else list(values = as.numeric(value))
  })
  out
}
answers <- lapply(models, function(model) tryCatch(answer(model),
  error = function(e) list(error = conditionMessage(e))))
write(toJSON(answers, digits = 17, auto_unbox = TRUE, na = "null"), commandArgs(TRUE)[1])
