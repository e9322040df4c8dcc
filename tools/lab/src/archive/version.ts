/** The three parts of a Debian version (deb-version(7)). */
interface VersionParts {
  readonly epoch: number;
  readonly upstream: string;
  readonly revision: string;
}

function partsOf(version: string): VersionParts {
  const colon = version.indexOf(':');
  const rest = version.slice(colon + 1);
  const dash = rest.lastIndexOf('-');
  return {
    epoch: colon < 0 ? 0 : Number(version.slice(0, colon)),
    upstream: dash < 0 ? rest : rest.slice(0, dash),
    revision: dash < 0 ? '' : rest.slice(dash + 1),
  };
}

const isDigit = (character: string | undefined): boolean =>
  character !== undefined && character >= '0' && character <= '9';

/** `~` sorts before everything, even the end; letters before everything else. */
function weight(character: string | undefined): number {
  if (character === undefined || isDigit(character)) return 0;
  if (character === '~') return -1;
  return /[a-z]/i.test(character) ? character.charCodeAt(0) : character.charCodeAt(0) + 256;
}

/** Compares one part: not-digits by weight, then digits by value, again and again. */
function comparePart(one: string, other: string): number {
  let [i, j] = [0, 0];
  while (i < one.length || j < other.length) {
    while ((i < one.length && !isDigit(one[i])) || (j < other.length && !isDigit(other[j]))) {
      const difference = weight(one[i]) - weight(other[j]);
      if (difference !== 0) return difference;
      i++;
      j++;
    }
    const [digits = '', otherDigits = ''] = [/^\d*/.exec(one.slice(i))?.[0], /^\d*/.exec(other.slice(j))?.[0]];
    const difference = BigInt(digits || 0) - BigInt(otherDigits || 0);
    if (difference !== 0n) return difference < 0n ? -1 : 1;
    i += digits.length;
    j += otherDigits.length;
  }
  return 0;
}

/** Orders Debian versions (deb-version(7)): negative, zero or positive like `Array.sort` wants it. */
export function compareVersions(one: string, other: string): number {
  const [a, b] = [partsOf(one), partsOf(other)];
  return a.epoch - b.epoch || comparePart(a.upstream, b.upstream) || comparePart(a.revision, b.revision);
}
