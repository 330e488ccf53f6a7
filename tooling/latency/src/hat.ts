/** Prints how regressions do on the public tables: `pnpm bench:hat`. */

import type { RegressorOptions } from '@sparsevit/latency';
import { driftOfTable, hatFolder, judgeTable, linearBaselines, readHatTables } from './hat-tables';

const models: [string, RegressorOptions][] = [
  ['linear', { kind: 'linear' }],
  ['tables', { kind: 'additive' }],
  ['boosted', { kind: 'boosted' }],
];
const tables = readHatTables();
if (tables.length === 0) {
  console.error(`hat: expected the CSV files of latency_dataset in ${hatFolder}, found none.`);
  process.exit(1);
}
console.log(`node ${process.version}, RMSPE % on a random fifth, mean (least to most) of five seeds\n`);
for (const table of tables) {
  const { lag1Autocorrelation, shifts } = driftOfTable(table);
  const seen = shifts.map(({ row, ratio }) => `row ${row} x${ratio.toFixed(2)}`).join(', ') || 'none';
  const baseline = linearBaselines[table.name];
  console.log(
    `${table.name}: ${table.ms.length} rows; autocorrelation ${lag1Autocorrelation.toFixed(2)}; shifts: ${seen}`,
  );
  if (baseline !== undefined) console.log(`  linear baseline          ${baseline.toFixed(1)}`);
  for (const usesTime of [false, true]) {
    for (const [name, model] of models) {
      const { rmspePercent, bySeed, within10Percent, coveragePercent } = judgeTable(table, { model, usesTime });
      const spread = `${Math.min(...bySeed).toFixed(2)} to ${Math.max(...bySeed).toFixed(2)}`;
      console.log(
        `  ${`${name}${usesTime ? ' and time' : ''}`.padEnd(24)} ${rmspePercent.toFixed(2)} (${spread}); within 10 %: ${within10Percent.toFixed(1)} %; in the 90 % interval: ${coveragePercent.toFixed(1)} %`,
      );
    }
  }
}
