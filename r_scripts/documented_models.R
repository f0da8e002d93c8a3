# Fits documented generalized models by lme4 as their documents have them, and saves each as an RDS
# file: Rscript r_scripts/documented_models.R FOLDER [SECONDS [NAME ...]]. `pylme audit FOLDER` then gives
# the verdicts; `python -m tests.campaign.generalized.documented` does both and writes a table.
# Data and formulas are those of the packages' help pages, as the registry of mixedbench lists them.
# What a package that is not installed carries is left out, and a fit that takes longer than SECONDS; zero
# inflation is left out too, which lme4 does not have. NAMEs, such as MASS-bacteria, choose models.
suppressMessages(library(lme4))
arguments <- commandArgs(TRUE)
folder <- arguments[1L]
limit <- if (length(arguments) > 1L) as.numeric(arguments[2L]) else Inf
chosen <- arguments[-(1:2)]
dir.create(folder, showWarnings = FALSE, recursive = TRUE)

negative.binomial <- "negative binomial"
models <- list(
  list("lme4", "Arabidopsis", total.fruits ~ nutrient * amd + rack + status + (1 | popu) + (1 | gen), poisson),
  list("lme4", "cbpp", cbind(incidence, size - incidence) ~ period + (1 | herd), binomial),
  list("lme4", "VerbAgg", r2 ~ (Anger + Gender + btype + situ)^2 + (1 | id) + (1 | item), binomial),
  list("lme4", "cbpp2", incidence / size ~ period + treatment + avg_size + (1 | herd), binomial, "size"),
  list("lme4", "culcitalogreg", predation ~ ttt2 + (1 | block), binomial),
  list("lme4", "gopherdat2", shells ~ factor(year) + prev + offset(log(Area)) + (1 | Site), poisson),
  list("lme4", "grouseticks", TICKS ~ YEAR + HEIGHT + (1 | BROOD) + (1 | INDEX) + (1 | LOCATION), poisson),
  list("lme4", "salamander", Mate ~ (1 | Female) + (1 | Male) + Cross, binomial),
  list("lme4", "toenail", outcome ~ time * treatment + (1 | patientID), binomial),
  list("mlmRev", "Contraception", use ~ urban + age + livch + (1 | district), binomial),
  list("mlmRev", "Contraception", use ~ urban + age + livch + (urban | district), binomial),
  list("mlmRev", "Mmmec", deaths ~ uvb + (1 | region) + offset(log(expected)), poisson),
  list("mlmRev", "guImmun", immun ~ kid2p + mom25p + ord + ethn + momEd + husEd + momWork + rural + pcInd81 +
    (1 | mom) + (1 | comm), binomial),
  list("mlmRev", "guPrenat", prenat ~ childAge + motherAge + birthOrd + indig + momEd + husEd + husEmpl + toilet +
    TV + pcInd81 + ssDist + (1 | mom) + (1 | cluster), binomial),
  list("nlme", "Ovary", follicles ~ sin(2 * pi * Time) + cos(2 * pi * Time) + (1 | Mare) + (0 + sin(2 * pi * Time) | Mare),
    poisson),
  list("glmmTMB", "Owls", SiblingNegotiation ~ FoodTreatment * SexParent + offset(log(BroodSize)) + (1 | Nest),
    negative.binomial),
  list("glmmTMB", "Salamanders", count ~ spp * mined + (1 | site), poisson),
  list("glmmTMB", "epil2", y ~ Base * trt + Age + Visit + (Visit | subject), negative.binomial),
  list("glmmTMB", "spider_long", abund ~ soil.dry + bare.sand + fallen.leaves + moss + herb.layer + reflection +
    (1 | id) + (1 | Species), poisson),
  list("brms", "epilepsy", count ~ zAge + zBase * Trt + (1 | patient), poisson),
  list("geepack", "muscatine", numobese ~ gender + I(age - 12) + I((age - 12)^2) + gender:I(age - 12) +
    gender:I((age - 12)^2) + (1 | id), binomial),
  list("geepack", "ohio", resp ~ age + smoke + age:smoke + (1 | id), binomial),
  list("geepack", "respiratory", outcome ~ center + treat + age + baseline + (1 | id), binomial),
  list("boot", "cane", cbind(r, n - r) ~ x + (1 | block) + (1 | var), binomial),
  list("carData", "Greene", decision ~ rater + nation + language + location + (1 | judge), binomial),
  list("carData", "KosteckiDillon", headache ~ medication + I(time > 0) + sqrt(pmax(time, 0)) +
    (I(time > 0) + sqrt(pmax(time, 0)) | id), binomial),
  list("carData", "MplsStops", personSearch ~ problem + race + gender + (1 | neighborhood), binomial),
  list("HSAUR3", "backpain", status ~ driver + suburban + (1 | ID), binomial),
  list("HSAUR3", "epilepsy", seizure.rate ~ base + age + treatment + (1 | subject), poisson),
  list("HSAUR3", "respiratory", status ~ centre + treatment + gender + age + month + (1 | subject), binomial),
  list("HSAUR3", "schizophrenia2", disorder ~ onset + month + (1 | subject), binomial),
  list("HSAUR3", "toenail", outcome ~ time * treatment + (1 | patientID), binomial),
  list("MASS", "bacteria", y ~ trt + I(week > 2) + (1 | ID), binomial),
  list("MASS", "epil", y ~ lbase * trt + lage + V4 + (1 | subject), poisson),
  list("MASS", "Traffic", y ~ year + limit + (1 | day), poisson),
  list("datasets", "infert", case ~ spontaneous + induced + (1 | stratum), binomial)
)

fit_of <- function(model, data) {
  if (identical(model[[4L]], negative.binomial)) return(glmer.nb(model[[3L]], data = data))
  if (length(model) == 4L) return(glmer(model[[3L]], data = data, family = model[[4L]]))
  data$trials <- data[[model[[5L]]]]
  glmer(model[[3L]], data = data, family = model[[4L]], weights = trials)
}

for (i in seq_along(models)) {
  model <- models[[i]]
  name <- paste(model[[1L]], model[[2L]], sep = "-")
  if (length(chosen) && !name %in% chosen) next
  loaded <- new.env()
  suppressWarnings(utils::data(list = model[[2L]], package = model[[1L]], envir = loaded))
  if (is.null(loaded[[model[[2L]]]])) {
    cat(name, "is not installed\n")
    next
  }
  setTimeLimit(elapsed = limit, transient = TRUE)
  fit <- tryCatch(
    suppressMessages(suppressWarnings(fit_of(model, loaded[[model[[2L]]]]))),
    error = function(e) conditionMessage(e)
  )
  setTimeLimit()
  if (is.character(fit)) {
    cat(name, fit, "\n")
    next
  }
  saveRDS(fit, file.path(folder, sprintf("%02d-%s.rds", i, name)))
}
