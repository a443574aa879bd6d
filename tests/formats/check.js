// node check.js SCHEMAS FILE...: validates KIND.jsonl with SCHEMAS/KIND.schema.json and loads .csv and .parquet with
// DuckDB. Prints one JSON object: FILE -> { rows, errors: the first of them, columns }. NODE_PATH has the packages.
const fs = require('fs')
const path = require('path')
const readline = require('readline')
const Ajv = require('ajv/dist/2020')
const { DuckDBInstance } = require('@duckdb/node-api')

const MOST = 3 // errors of a file that are printed

const [schemas, ...files] = process.argv.slice(2)
const ajv = new Ajv({ strict: true, allErrors: false, allowUnionTypes: true, strictRequired: false, strictTypes: false })
for (const name of fs.readdirSync(schemas)) {
  if (name.endsWith('.schema.json')) ajv.addSchema(JSON.parse(fs.readFileSync(path.join(schemas, name), 'utf8')))
}

async function validate(file) {
  const check = ajv.getSchema(path.basename(file, '.jsonl') + '.schema.json')
  const result = { rows: 0, errors: [] }
  for await (const line of readline.createInterface({ input: fs.createReadStream(file), crlfDelay: Infinity })) {
    result.rows++
    let problem
    try {
      if (!check(JSON.parse(line))) problem = ajv.errorsText(check.errors)
    } catch (error) { problem = String(error) }
    if (problem && result.errors.push(`row ${result.rows}: ${problem}`) >= MOST) break
  }
  return result
}

async function load(file, base) {
  const from = file.endsWith('.csv') ? `read_csv('${file}', header = true, strict_mode = true, sample_size = -1,
    types = {'passed': 'BOOLEAN', 'duration_ms': 'BIGINT'})`
    : `read_parquet('${file}')`
  try {
    const columns = (await base.runAndReadAll(`DESCRIBE SELECT * FROM ${from}`)).getRowObjectsJson()
    const sums = (await base.runAndReadAll(`SELECT count(*)::INTEGER AS rows, count(DISTINCT session)::INTEGER AS sessions,
      sum(line)::INTEGER AS lines, count(skill)::INTEGER AS skills, count("timestamp")::INTEGER AS times,
      count(*) FILTER (passed)::INTEGER AS passed, coalesce(sum(duration_ms), 0)::DOUBLE AS duration_ms
      FROM ${from}`)).getRowObjectsJson()[0]
    const types = {}
    for (const one of columns) types[one.column_name] = one.column_type
    return { ...sums, errors: [], types }
  } catch (error) { return { rows: 0, errors: [String(error)] } }
}

async function main() {
  const base = await (await DuckDBInstance.create(':memory:')).connect()
  const results = {}
  for (const file of files) {
    results[file] = await (file.endsWith('.jsonl') ? validate(file) : load(file, base))
  }
  console.log(JSON.stringify(results))
}

main()
