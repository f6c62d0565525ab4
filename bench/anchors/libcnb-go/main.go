// Joins when there is an app.py, as bench/detect.py's own buildpack does.
package main

import (
	"os"
	"path/filepath"

	"github.com/buildpacks/libcnb/v2"
)

func detect(context libcnb.DetectContext) (libcnb.DetectResult, error) {
	_, err := os.Stat(filepath.Join(context.ApplicationPath, "app.py"))
	return libcnb.DetectResult{Pass: err == nil}, nil
}

func build(libcnb.BuildContext) (libcnb.BuildResult, error) {
	return libcnb.NewBuildResult(), nil
}

func main() {
	libcnb.BuildpackMain(detect, build)
}
