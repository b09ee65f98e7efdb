"""Long jobs: their leases, their queue, and the chunks that a batch is shared out in."""
