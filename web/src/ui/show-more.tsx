import { Button } from '@mantine/core'
import { t } from '../i18n/index.tsx'

interface Pages {
  hasNextPage: boolean
  isFetchingNextPage: boolean
  fetchNextPage(): unknown
}

/** Draws the button below a list that reads its next page, where there is one. */
export const ShowMore = ({ pages }: { pages: Pages }) =>
  pages.hasNextPage && (
    <Button
      variant="default"
      w="fit-content"
      mt="sm"
      loading={pages.isFetchingNextPage}
      onClick={() => pages.fetchNextPage()}
    >
      {t('more')}
    </Button>
  )
