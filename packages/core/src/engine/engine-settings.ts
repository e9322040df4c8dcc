/** The numbers of an engine. */
export interface EngineSettings {
  /** How many errors may wait in one lane (1 or more); further ones end as `disconnected`. Default: 1024. */
  readonly mostQueued?: number;
}
