// Package options has what kpack's signer names. Nothing is signed here: with cosign itself, a
// program that reads packages would be made of two thousand packages more.
package options

import (
	"context"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/sigstore/cosign/v2/pkg/oci/remote"
)

const DefaultTimeout = 3 * time.Minute

type RootOptions struct{ Timeout time.Duration }

type KeyOpts struct {
	KeyRef   string
	PassFunc func(bool) ([]byte, error)
}

type RegistryOptions struct {
	KubernetesKeychain bool
	Keychain           authn.Keychain
}

func (RegistryOptions) ClientOpts(context.Context) ([]remote.Option, error) { return nil, nil }

type AnnotationOptions struct{ Annotations []string }

type SignOptions struct {
	Registry          RegistryOptions
	AnnotationOptions AnnotationOptions
	Upload            bool
	Recursive         bool
	TlogUpload        bool
}
