// Package remote has the one type kpack's signer names; see the package options.
package remote

type Option func()
