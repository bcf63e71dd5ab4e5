/** What a decision is about: the server, one of its tools, or something of the server's own (a table, a document, a DAG). */
export type Resource =
  | { readonly kind: 'server' }
  | { readonly kind: 'tool'; readonly name: string }
  | { readonly kind: string; readonly name: string }
