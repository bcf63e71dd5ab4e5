export type { AccessPolicy, ArgumentCondition } from '@gatehouse/contracts'
