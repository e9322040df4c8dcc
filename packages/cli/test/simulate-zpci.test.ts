import { main } from '../src/main.js';
import { capturedIo } from './captured-io.js';

async function shown(fault: string): Promise<string> {
  const io = capturedIo();
  await main(['simulate', '--platform', 'zpci', '--fault', fault], io);
  return io.out();
}

const namesIn = (text: string): string[] =>
  text.split('\n').flatMap((line) => /^ *[\d.]+ ms {2}(\S+)/.exec(line)?.[1] ?? []);

describe('simulate --platform zpci', () => {
  it('says what a record says: event code, meaning, failing address', async () => {
    expect(await shown('fatal')).toContain(
      '0001:00:00.0  function 0x11, event 0x4 (translation protection) at 0x0000000120000000',
    );
  });

  it('shows registers let through before DMA (R2.6)', async () => {
    const names = namesIn(await shown('nonfatal')).filter((name, index, all) => name !== all[index - 1]);
    expect(names).toEqual([
      'error',
      'refresh_handle',
      'store_record',
      'error_detected',
      'unblock_load_store',
      'mmio_enabled',
      'clear_error_state',
      'resume',
      'recovered',
    ]);
  });

  it('shows where the host leaves a held function to its holder (R2.5)', async () => {
    const text = await shown('held');
    expect(text).toContain('=> handed_over. The function is held through VFIO: user space recovers it.');
    expect(namesIn(text)).not.toContain('hot_reset');
  });

  it('shows what the holder does (R2.7)', async () => {
    const names = namesIn(await shown('holder')).filter((name, index, all) => name !== all[index - 1]);
    expect(names).toEqual([
      'error',
      'confirm_error',
      'error_detected',
      'vfio_reset',
      'restore_config',
      'enable_bus_master',
      'slot_reset',
      'resume',
      'recovered',
    ]);
  });

  it('waits for busy firmware in virtual time', async () => {
    expect(await shown('firmware-busy')).toContain('100.000 ms');
  });
});
