package main

import (
	"os"

	"tillflow/lib/secret"
)

// hideSecrets says what logs, errors and the history of runs must not show: the secrets of the environment, and the
// password in an address that the dagfile itself names. What a person asks for by name is shown: the rows of `dag sql`, and
// `dag env --secrets`.
func (c *call) hideSecrets(address string) {
	c.hidden = secret.Hide(secret.In(append(os.Environ(), "="+address)))
}
