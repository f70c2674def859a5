package publish

import (
	"math/big"

	"github.com/jackc/pgx/v5/pgtype"
)

// Minor is an amount of integer minor units as the numeric it stands for: with scale 2, 1234 is 12.34.
func Minor(units int64, scale int) pgtype.Numeric {
	return pgtype.Numeric{Int: big.NewInt(units), Exp: int32(-scale), Valid: true}
}
