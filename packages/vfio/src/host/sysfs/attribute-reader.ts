import { type Bdf } from '@pci-recovery/core';
import { isSysfsBdf, type Sysfs } from './sysfs.js';
import { unreadable, type SysfsFindingCode, type SysfsFindings } from './finding.js';

/** `0x` with up to eight digits, or decimal: what attributes print; undefined for anything else, and above 32 bits. */
export function parseSysfsNumber(text: string): number | undefined {
  if (!/^(?:0x[0-9a-f]{1,8}|\d{1,10})$/i.test(text)) return undefined;
  const value = Number(text);
  return value <= 0xffff_ffff ? value : undefined;
}

/** Reads attributes of one function; what is wrong with them is a finding, and the value undefined. */
export class AttributeReader {
  readonly #sysfs: Sysfs;
  readonly #findings: SysfsFindings;
  readonly bdf: Bdf;

  constructor(sysfs: Sysfs, bdf: Bdf, findings: SysfsFindings) {
    this.#sysfs = sysfs;
    this.bdf = bdf;
    this.#findings = findings;
  }

  /** Adds a finding about an attribute. */
  find(code: SysfsFindingCode, attribute: string, message: string): void {
    this.#findings.add({ code, attribute, message, bdf: this.bdf });
  }

  text(attribute: string): Promise<string | undefined> {
    return this.#attempt(attribute, () => this.#sysfs.read(this.bdf, attribute));
  }

  bytes(attribute: string): Promise<Uint8Array | undefined> {
    return this.#attempt(attribute, () => this.#sysfs.readBytes(this.bdf, attribute));
  }

  /** An unsigned number of up to 32 bits. */
  async number(attribute: string): Promise<number | undefined> {
    const text = await this.text(attribute);
    const value = text === undefined ? undefined : parseSysfsNumber(text);
    if (text !== undefined && value === undefined) {
      this.find('not_a_number', attribute, `"${text.slice(0, 40)}" is no number of up to 32 bits.`);
    }
    return value;
  }

  /** Last name of a link. */
  link(name: string): Promise<string | undefined> {
    return this.#attempt(name, () => this.#sysfs.link(this.bdf, name));
  }

  /** A link to another function. */
  async address(name: string): Promise<Bdf | undefined> {
    const target = await this.link(name);
    if (target === undefined || isSysfsBdf(target)) return target;
    this.find('not_an_address', name, `The link leads to "${target.slice(0, 40)}", which is no function.`);
    return undefined;
  }

  /** Names in the function's directory, or in one below; none where it is not there. */
  async entries(directory?: string): Promise<readonly string[]> {
    const names = await this.#attempt(directory ?? '.', () => this.#sysfs.entries(this.bdf, directory));
    return names ?? [];
  }

  parent(): Promise<Bdf | undefined> {
    return this.#attempt('.', () => this.#sysfs.parent(this.bdf));
  }

  path(): Promise<string | undefined> {
    return this.#attempt('.', () => this.#sysfs.devicePath(this.bdf));
  }

  has(attribute: string): Promise<boolean> {
    return this.#attempt(attribute, () => this.#sysfs.has(this.bdf, attribute)).then((there) => there ?? false);
  }

  async #attempt<T>(attribute: string, work: () => Promise<T | undefined>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.#findings.add(unreadable(error, attribute, this.bdf));
      return undefined;
    }
  }
}
