// DuckDB on one thread, reading the same JSON Lines file with its columns declared (faster than letting it look).
export async function openDuckdb() {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  return {
    async evaluate({ file, signal }) {
      const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
      const connection = await instance.connect();
      const columns = `{
        id: 'VARCHAR', prompt: 'VARCHAR',
        responses: 'STRUCT(text VARCHAR, log_propensity DOUBLE, target_log_prob DOUBLE, feedback STRUCT(${signal} DOUBLE))[]'
      }`;
      const query = `
        SELECT sum(exp(r.target_log_prob - r.log_propensity) * r.feedback.${signal}) / count(*) AS ips,
               sum(length(id)), sum(length(prompt)), sum(length(r.text))
        FROM (SELECT id, prompt, responses[1] AS r
              FROM read_json('${file}', format = 'newline_delimited', columns = ${columns}))`;
      return {
        slow: true,
        async run() {
          const reader = await connection.runAndReadAll(query);
          [[this.ips]] = reader.getRows();
        },
        close: () => connection.closeSync(),
      };
    },
  };
}
