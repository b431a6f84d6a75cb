import { type CommandView, isFinalState } from '@rollcall/contracts/admin'

export const isOver = ({ state }: Pick<CommandView, 'state'>) => isFinalState(state)
