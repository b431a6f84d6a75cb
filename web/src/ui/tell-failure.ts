import { notifications } from '@mantine/notifications'
import { toMessage } from './states.tsx'

/**
 * Does what a switch or a button in a row asks for, where no form could show what is wrong: a failure is told on the page until
 * somebody has read it. Never throws.
 */
export async function tellFailure(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    notifications.show({ color: 'red', autoClose: false, message: toMessage(error), role: 'alert' })
  }
}
