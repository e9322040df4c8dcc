import { simulateCommand } from '../src/commands/simulate.js';
import { AER_FAULTS } from '../src/simulation/aer-faults.js';
import { capturedIo } from './captured-io.js';
it('x', async () => {
  for (const f of AER_FAULTS) {
    const io = capturedIo();
    let code = -1;
    await simulateCommand(io, (c) => (code = c)).parseAsync(['--fault', f.name], { from: 'user' });
    process.stderr.write(io.out() + `exit ${code} expected ${f.ends}\n\n`);
  }
});
