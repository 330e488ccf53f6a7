/** What a document may leave out. */

/** A record as it is written: the named fields have defaults. */
export type WithDefaults<Fields, Names extends keyof Fields> = Omit<Fields, Names> & {
  readonly [Name in Names]?: Fields[Name] | undefined;
};
