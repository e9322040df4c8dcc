/** An entry of a Packages file as archives have it, with more fields than anybody reads. */
export function stanza(name: string, version: string, fields: Readonly<Record<string, string>> = {}): string {
  const all = {
    Package: name,
    Version: version,
    Architecture: 'amd64',
    Maintainer: 'Somebody',
    Filename: `pool/${name}_${version}.deb`,
    Size: '1234',
    SHA256: '0'.repeat(62) + name.length.toString(16).padStart(2, '0'),
    Description: 'what it is',
    ...fields,
  };
  return Object.entries(all)
    .map(([key, value]) => `${key}: ${value}`)
    .join('\n');
}

/** A whole file. */
export const packagesFile = (...stanzas: readonly string[]): string => `${stanzas.join('\n\n')}\n`;
