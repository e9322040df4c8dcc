import { registerConformance, runConformance, type Harness, type PlatformProfile } from '../src/index.js';
import { referenceHarness, referenceProfile } from './reference/harness.js';

const { incidents, layouts } = referenceProfile;
const fatal = incidents['fatal']!;
const withProfile = (change: Partial<PlatformProfile>): Partial<Harness> => ({
  profile: { ...referenceProfile, ...change },
});
const withFatal = (change: object): Partial<Harness> =>
  withProfile({ incidents: { ...incidents, fatal: { ...fatal, ...change } } });
const withPair = (change: object): Partial<Harness> =>
  withProfile({ layouts: { ...layouts, pair: { ...layouts['pair']!, ...change } } });

describe('a harness that contradicts itself is refused before any case, saying where', () => {
  it.each<[string, Partial<Harness>]>([
    ['the profile has no incident that starts a recovery', withProfile({ incidents: {}, surveyFinds: [] })],
    ['incident "fatal" goes to a stage "typo" that it does not have', withFatal({ first: 'typo' })],
    ['incident "fatal" goes to a stage "typo" that it does not have', withFatal({ givenUp: 'typo' })],
    [
      'goes to a stage',
      withFatal({
        stages: {
          [(fatal as { first: string }).first]: {
            do: 'act',
            act: 'reset',
            ok: 'typo',
            failed: 'typo',
            needs: { capability: 'x', otherwise: 'other' },
          },
        },
      }),
    ],
    [
      'layout "pair" has no function "z", which its scopes name',
      withPair({ scopes: { a: ['a', 'z'], b: ['a', 'b'] } }),
    ],
    ['layout "pair" has no function "z", which its resets name', withPair({ resets: { z: ['a'] } })],
    [
      'layout "pair" has no function "z", which its stops name',
      withPair({ incidents: { fatal: { stops: { a: ['z'] } } } }),
    ],
    ['layout "pair" has no scope of its endpoint "b"', withPair({ scopes: { a: ['a', 'b'] } })],
    ['layout "pair" has no lane of "b"', withPair({ lanes: { a: 'x' } })],
    ['the profile has no layout "ring"', { layouts: ['single', 'ring'] }],
    ['the profile has no layout "single"', withProfile({ layouts: {} })],
    ['the layout "single" is expected of everybody', { layouts: ['pair'] }],
    ['surveys find an incident "flood"', withProfile({ surveyFinds: ['flood'] })],
    ['there is no ability "fly": there are unplug, ', { abilities: ['fly' as never] }],
  ])('%s', async (flaw, change) => {
    const harness = referenceHarness({}, change);
    const code = 'ERR_PCI_BAD_HARNESS';
    const message = expect.stringContaining(flaw) as string;
    await expect(runConformance(harness)).rejects.toMatchObject({ code, message });
    const register = (): void => registerConformance(harness, { describe: (_, body) => body(), it: () => undefined });
    expect(register).toThrow(expect.objectContaining({ code, message }) as Error);
  });

  it.each<[string, string, Partial<Harness>]>([
    ['ability "hold"', 'hold', { abilities: ['hold'] }],
    ['breaking "reset"', 'breakNext', { breaks: ['reset'] }],
  ])('claims %s of subjects without the method: its cases say so', async (claim, method, change) => {
    const honest = referenceHarness({}, change);
    const create: Harness['create'] = async (options) => ({
      ...(await honest.create(options)),
      breakNext: undefined as never,
    });
    const { results } = await runConformance({ ...honest, create }, { only: ['contract.name-on-events'] });
    expect(results[0]!.error).toBe(`The harness claims ${claim}, but its subject has no "${method}".`);
  });
});
