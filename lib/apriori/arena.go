package apriori

// arena gives memory for bitmaps out and takes it back last in, first out, so that going through millions of classes
// allocates a few blocks.
type arena struct {
	blocks [][]uint64
	at     mark
}

// mark is how far an arena is used.
type mark struct{ block, used int }

// Blocks double from 64 to 512 KiB: where baskets are few, a large one would take longer to clear than to use.
const firstBlock, doubled = 1 << 13, 3 // words, times

// take gives n words of any content.
func (a *arena) take(n int) []uint64 {
	for ; a.at.block < len(a.blocks); a.at = (mark{a.at.block + 1, 0}) {
		if block := a.blocks[a.at.block]; len(block)-a.at.used >= n {
			a.at.used += n
			return block[a.at.used-n : a.at.used : a.at.used]
		}
	}
	a.blocks = append(a.blocks, make([]uint64, max(n, firstBlock<<min(len(a.blocks), doubled))))
	a.at.used = n
	return a.blocks[a.at.block][:n:n]
}

func (a *arena) mark() mark     { return a.at }
func (a *arena) release(m mark) { a.at = m }
func (a *arena) reset()         { a.at = mark{} }
