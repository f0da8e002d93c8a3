# Tables of lmerTest for some responses on one design each: the oracle of many responses.
# Arguments: the file of the tables; then a name, a file of data and a right side for each model.
arguments <- commandArgs(trailingOnly = TRUE)
suppressPackageStartupMessages(library(lmerTest))
control <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e5))

tables_of <- function(name, file, right) {
  data <- read.csv(file, stringsAsFactors = TRUE)
  responses <- grep("^y[0-9]+$", names(data), value = TRUE)
  tables <- lapply(responses, function(response) {
    fit <- suppressMessages(suppressWarnings(
      lmer(as.formula(paste(response, right)), data, control = control)
    ))
    both <- lapply(c("Satterthwaite", "Kenward-Roger"), function(ddf) {
      table <- suppressMessages(coef(summary(fit, ddf = ddf)))
      data.frame(
        model = name, ddf = ddf, response = response, term = rownames(table), table,
        singular = isSingular(fit)
      )
    })
    do.call(rbind, both)
  })
  do.call(rbind, tables)
}

given <- matrix(arguments[-1], nrow = 3)
found <- lapply(seq_len(ncol(given)), function(i) tables_of(given[1, i], given[2, i], given[3, i]))
write.csv(do.call(rbind, found), arguments[[1]], row.names = FALSE)
