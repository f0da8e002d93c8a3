# Writes the data sets that pylme ships: Rscript r_scripts/write_datasets.R [directory]
#
# A compressed CSV for each, and columns.json with rows, types and level orders. Running it again
# gives the same bytes: gzfile() stamps no time, and the order of everything is fixed.

# High School & Beyond from nlme's two tables, under the column names of the published analyses.
# meanses is the mean of ses over the pupils present, so that cses = ses - meanses sums to zero in
# each school; nlme's own MEANSES is rounded and lies 0.006 higher throughout.
high_school_and_beyond <- function() {
  pupils <- as.data.frame(nlme::MathAchieve)
  schools <- nlme::MathAchSchool
  at <- match(as.character(pupils$School), as.character(schools$School))
  meanses <- stats::ave(pupils$SES, at)
  data.frame(
    sch.id = factor(as.character(pupils$School), levels = levels(schools$School)),
    math = pupils$MathAch,
    ses = pupils$SES,
    sector = schools$Sector[at],
    cses = pupils$SES - meanses,
    meanses = meanses,
    minority = pupils$Minority,
    female = factor(ifelse(pupils$Sex == "Female", "Yes", "No"), levels = c("No", "Yes"))
  )
}

datasets <- list(
  hsb = high_school_and_beyond(),
  sleepstudy = lme4::sleepstudy,
  penicillin = lme4::Penicillin,
  pastes = lme4::Pastes,
  dyestuff = lme4::Dyestuff,
  dyestuff2 = lme4::Dyestuff2,
  cbpp = lme4::cbpp,
  insteval = lme4::InstEval,
  cake = lme4::cake,
  verbagg = lme4::VerbAgg,
  grouseticks = lme4::grouseticks
)

# Decimal text of doubles: the fewest of 15, 16 or 17 digits that give the same double back.
exact <- function(x) {
  text <- sprintf("%.15g", x)
  for (format in c("%.16g", "%.17g")) {
    lossy <- as.numeric(text) != x
    text[lossy] <- sprintf(format, x[lossy])
  }
  text
}

# A cell as it stands in a file whose readers split at commas and know no quotes.
cell_text <- function(column) {
  text <- if (is.double(column)) exact(column) else as.character(column)
  stopifnot(!anyNA(column), !grepl("[,\"\n\r]", text))
  text
}

json_string <- function(x) {
  stopifnot(!grepl("[^ -~]", x))
  encodeString(x, quote = "\"")
}

json_column <- function(column) {
  if (!is.factor(column)) {
    stopifnot(is.numeric(column), length(class(column)) == 1L)
    return(sprintf("{\"kind\": \"%s\"}", if (is.integer(column)) "int" else "float"))
  }
  sprintf(
    "{\"kind\": \"%s\", \"levels\": [%s]}",
    if (is.ordered(column)) "ordered" else "factor", toString(json_string(levels(column)))
  )
}

json_dataset <- function(data) {
  columns <- sprintf("    %s: %s", json_string(names(data)), vapply(data, json_column, ""))
  sprintf("{\"rows\": %d, \"columns\": {\n%s\n  }}", nrow(data), paste(columns, collapse = ",\n"))
}

write_compressed <- function(lines, path) {
  file <- gzfile(path, "wb", compression = 9L)
  on.exit(close(file))
  writeLines(lines, file, sep = "\n", useBytes = TRUE)
}

own_path <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
given <- commandArgs(TRUE)
target <- if (length(given)) given[[1L]] else file.path(dirname(own_path), "../pylme/datasets/data")
dir.create(target, showWarnings = FALSE, recursive = TRUE)

for (name in names(datasets)) {
  data <- datasets[[name]]
  rows <- do.call(paste, c(unname(lapply(data, cell_text)), sep = ","))
  header <- paste(names(data), collapse = ",")
  write_compressed(c(header, rows), file.path(target, paste0(name, ".csv.gz")))
}
entries <- sprintf("  %s: %s", json_string(names(datasets)), vapply(datasets, json_dataset, ""))
columns <- file(file.path(target, "columns.json"), "wb")
writeLines(c("{", paste(entries, collapse = ",\n"), "}"), columns, sep = "\n")
close(columns)
