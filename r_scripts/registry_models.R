# Fits models by lme4 as a table lists them, and saves each as an RDS file:
#   Rscript r_scripts/registry_models.R FOLDER SECONDS
# FOLDER/models.tsv has the columns id, package, object, formula, family (gaussian, bernoulli, poisson),
# response and types (column=categorical;...). Data are those that the installed packages carry; what is not
# installed is left out, and a fit that takes longer than SECONDS: FOLDER/left_out.tsv says why. Fits that
# FOLDER has already are kept.
suppressMessages(library(lme4))
arguments <- commandArgs(TRUE)
folder <- arguments[1L]
limit <- as.numeric(arguments[2L])
models <- read.delim(file.path(folder, "models.tsv"), quote = "", colClasses = "character", na.strings = NULL)
families <- list(bernoulli = binomial(), poisson = poisson())

typed <- function(data, types) {
  for (entry in strsplit(types, ";", fixed = TRUE)[[1L]]) {
    part <- trimws(strsplit(entry, "=", fixed = TRUE)[[1L]])
    column <- data[[part[1L]]]
    if (is.null(column)) next
    if (part[2L] == "continuous") data[[part[1L]]] <- as.numeric(as.character(column))
    if (part[2L] == "categorical") data[[part[1L]]] <- factor(column, ordered = FALSE)
  }
  data
}

fit_of <- function(model, data) {
  formula <- as.formula(model$formula, env = globalenv())
  data <- typed(as.data.frame(data), model$types)
  # glmer takes a text response only as a factor.
  if (is.character(data[[model$response]])) data[[model$response]] <- factor(data[[model$response]])
  if (model$family == "gaussian") return(lmer(formula, data = data))
  glmer(formula, data = data, family = families[[model$family]])
}

left_out <- character()
for (i in seq_len(nrow(models))) {
  model <- models[i, ]
  file <- file.path(folder, paste0(gsub("/", "-", model$id), ".rds"))
  if (file.exists(file)) next
  loaded <- new.env()
  suppressWarnings(utils::data(list = model$object, package = model$package, envir = loaded))
  reason <- "its data are not installed"
  if (!is.null(loaded[[model$object]])) {
    setTimeLimit(elapsed = limit, transient = TRUE)
    fit <- tryCatch(
      suppressMessages(suppressWarnings(fit_of(model, loaded[[model$object]]))),
      error = function(e) gsub("\\s+", " ", conditionMessage(e))
    )
    setTimeLimit()
    if (!is.character(fit)) {
      saveRDS(fit, file)
      next
    }
    reason <- fit
  }
  left_out <- c(left_out, paste(model$id, reason, sep = "\t"))
}
writeLines(left_out, file.path(folder, "left_out.tsv"))
