// Package ecr has what the lifecycle's keychain names of Amazon's: it knows no credentials.
package ecr

import (
	"errors"
	"io"
)

type Option struct{}

type Helper struct{}

func WithLogger(io.Writer) Option { return Option{} }

func NewECRHelper(...Option) Helper { return Helper{} }

func (Helper) Get(string) (user, password string, err error) {
	return "", "", errors.New("left out")
}
