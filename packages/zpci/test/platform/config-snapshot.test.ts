import {
  enableBusMaster,
  restoreZpciConfig,
  saveZpciConfig,
  type ConfigWidth,
  type FunctionConfig,
} from '../../src/index.js';

/** What is answered by nobody: VFIO's error, or all ones as hardware has it. */
const NOBODY = {
  'an error': (): number | undefined => undefined,
  'all ones': (_: number, width: ConfigWidth): number | undefined => 2 ** (8 * width) - 1,
};

/** Configuration space that answers so many reads, then no more. */
function failing(after: number, nobody: FunctionConfig['readConfig']): FunctionConfig & { reads: number } {
  const config = {
    reads: 0,
    readConfig: (offset: number, width: ConfigWidth) =>
      config.reads++ < after ? offset & 0x3f : nobody(offset, width),
    writeConfig: () => true,
  };
  return config;
}

const whole = failing(Infinity, NOBODY['an error']);
const saved = saveZpciConfig(whole)!;
const reads = whole.reads;

describe.each(Object.entries(NOBODY))('a function that stops answering, by %s', (_, nobody) => {
  it('in the middle of being read, at whichever register, is not saved (R2.8)', () => {
    for (let after = 0; after < reads; after++) {
      expect([after, saveZpciConfig(failing(after, nobody))]).toEqual([after, undefined]);
    }
    expect(saveZpciConfig(failing(reads, nobody))).toEqual(saved);
  });

  it('before it was restored, or got the right to do DMA, is not said to have taken it', () => {
    expect(restoreZpciConfig(failing(0, nobody), saved)).toBe(false);
    for (const after of [0, 1]) expect(enableBusMaster(failing(after, nobody))).toBe(false);
  });
});

it('a function that has the right to do DMA already keeps it', () => {
  let command = 0x0006;
  const config: FunctionConfig = { readConfig: () => command, writeConfig: (_, __, value) => (command = value) };
  expect(enableBusMaster(config)).toBe(true);
  expect(command).toBe(0x0006);
});

describe('the order in which a configuration is written back', () => {
  it('is base addresses from the last to the first, then the rest, then Command without bus master', () => {
    const written: string[] = [];
    const config: FunctionConfig = {
      readConfig: () => 0,
      writeConfig: (offset, _, value) => void written.push(`${offset.toString(16)}=${value.toString(16)}`),
    };
    restoreZpciConfig(config, { ...saved, command: 0x0406 });
    expect(written).toEqual(['24=24', '20=20', '1c=1c', '18=18', '14=14', '10=10', 'c=c', 'd=d', '3c=3c', '4=402']);
  });
});
