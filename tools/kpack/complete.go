package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/BurntSushi/toml"
	"github.com/buildpacks/lifecycle/platform/files"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/pivotal/kpack/pkg/cnb"
	"github.com/pivotal/kpack/pkg/registry"
)

// complete does what the last container of a build pod does for an image that is not signed.
//
// It reads the lifecycle's report and the image it names, and writes the message by which the
// controller learns of the image and of the cache that the next build goes on from. kpack's own
// cmd/completion is not built: its libraries for signatures are not here.
func complete(reportFile, cacheTag, message string) error {
	var report files.Report
	if _, err := toml.DecodeFile(reportFile, &report); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if len(report.Image.Tags) == 0 {
		return errors.New("no image found in report")
	}
	image := fmt.Sprintf("%s@%s", report.Image.Tags[0], report.Image.Digest)
	retriever := cnb.RemoteMetadataRetriever{ImageFetcher: &registry.Client{}}
	metadata, err := retriever.GetBuildMetadata(image, cacheTag, authn.DefaultKeychain)
	if err != nil {
		return err
	}
	data, err := cnb.CompressBuildMetadata(metadata)
	if err != nil {
		return err
	}
	return os.WriteFile(message, data, 0o666)
}
