# What R itself has: for each data set a TSV with doubles as hexadecimal text, so that nothing is
# rounded, and a line of types and levels for each column. Rscript datasets_in_r.R <directory>

target <- commandArgs(TRUE)[[1L]]

lme4_names <- c(
  sleepstudy = "sleepstudy", penicillin = "Penicillin", pastes = "Pastes", dyestuff = "Dyestuff",
  dyestuff2 = "Dyestuff2", cbpp = "cbpp", insteval = "InstEval", cake = "cake",
  verbagg = "VerbAgg", grouseticks = "grouseticks"
)
sets <- lapply(lme4_names, getExportedValue, ns = "lme4")
sets$mathachieve <- as.data.frame(nlme::MathAchieve)
sets$mathachschool <- as.data.frame(nlme::MathAchSchool)

for (name in names(sets)) {
  data <- sets[[name]]
  cells <- lapply(data, function(x) if (is.double(x)) sprintf("%a", x) else as.character(x))
  write.table(
    as.data.frame(cells, check.names = FALSE), file.path(target, paste0(name, ".tsv")),
    sep = "\t", quote = FALSE, row.names = FALSE
  )
  types <- vapply(data, function(x) {
    kind <- if (is.ordered(x)) "ordered" else if (is.factor(x)) "factor" else typeof(x)
    paste(c(kind, levels(x)), collapse = "\t")
  }, "")
  writeLines(types, file.path(target, paste0(name, ".types")))
}
