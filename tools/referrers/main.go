// What others read of the documents that are attached to an image.
//
//	referrers serve            a registry that knows of subjects; prints its address
//	referrers read REF [KEY]   the documents of REF as JSON, by go-containerregistry; statements
//	                           are judged by in-toto's own code, signatures with the public KEY
package main

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	provenance "github.com/in-toto/attestation/go/predicates/provenance/v1"
	intoto "github.com/in-toto/attestation/go/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/sigstore/sigstore/pkg/signature"
	sigdsse "github.com/sigstore/sigstore/pkg/signature/dsse"
	"google.golang.org/protobuf/encoding/protojson"
)

type document struct {
	ArtifactType string            `json:"artifactType"`
	MediaType    string            `json:"mediaType"`
	Annotations  map[string]string `json:"annotations"`
	Verified     bool              `json:"verified"`
	Judged       bool              `json:"judged"`
	Content      json.RawMessage   `json:"content"`
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		serve()
		return
	}
	key := ""
	if len(os.Args) > 3 {
		key = os.Args[3]
	}
	encoder := json.NewEncoder(os.Stdout)
	must(0, encoder.Encode(read(os.Args[2], key)))
}

func serve() {
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	fmt.Println(listener.Addr())
	must(0, http.Serve(listener, registry.New(registry.WithReferrersSupport(true))))
}

func read(reference, key string) []document {
	ref := must(name.ParseReference(reference))
	subject := must(remote.Get(ref))
	digest := ref.Context().Digest(subject.Digest.String())
	index := must(must(remote.Referrers(digest)).IndexManifest())
	found := []document{}
	for _, each := range index.Manifests {
		image := must(remote.Image(ref.Context().Digest(each.Digest.String())))
		manifest := must(image.Manifest())
		if manifest.Subject == nil || manifest.Subject.Digest != subject.Digest {
			panic("another subject: " + each.Digest.String())
		}
		// Its registry lists the config's type, as drafts of the specification had it.
		var own struct {
			ArtifactType string            `json:"artifactType"`
			Annotations  map[string]string `json:"annotations"`
		}
		must(0, json.Unmarshal(must(image.RawManifest()), &own))
		for _, layer := range manifest.Layers {
			blob := must(remote.Layer(ref.Context().Digest(layer.Digest.String())))
			content := must(io.ReadAll(must(blob.Compressed())))
			made := document{ArtifactType: own.ArtifactType, MediaType: string(layer.MediaType), Annotations: own.Annotations, Content: content}
			if made.MediaType == "application/vnd.dsse.envelope.v1+json" {
				made.Content = verified(content, key)
				made.Verified = key != ""
			}
			if own.Annotations["in-toto.io/predicate-type"] != "" {
				judge(made.Content)
				made.Judged = true
			}
			found = append(found, made)
		}
	}
	return found
}

// verified is what cosign does with an attestation and a public key.
func verified(content []byte, key string) []byte {
	var envelope dsse.Envelope
	must(0, json.Unmarshal(content, &envelope))
	if key != "" {
		block, _ := pem.Decode(must(os.ReadFile(key)))
		public := must(x509.ParsePKIXPublicKey(block.Bytes))
		verifier := must(signature.LoadVerifier(public, crypto.SHA256))
		adapter := &sigdsse.VerifierAdapter{SignatureVerifier: verifier, Pub: public}
		must(must(dsse.NewEnvelopeVerifier(adapter)).Verify(context.Background(), &envelope))
	}
	return must(envelope.DecodeB64Payload())
}

func judge(content []byte) {
	var statement intoto.Statement
	must(0, protojson.Unmarshal(content, &statement))
	must(0, statement.Validate())
	var predicate provenance.Provenance
	must(0, protojson.Unmarshal(must(protojson.Marshal(statement.Predicate)), &predicate))
	must(0, predicate.Validate())
}
