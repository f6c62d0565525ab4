// Command tekton-validate judges Tekton's resources as its admission webhook does.
//
// It reads YAML documents from the files named, decodes each into Tekton's own type, sets the
// defaults and validates. What is wrong is printed, a line each; the exit status is then 1.
// A Secret, a claim of storage or a ServiceAccount is decoded strictly into Kubernetes' own type.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	v1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	"knative.dev/pkg/apis"
	strict "sigs.k8s.io/yaml"
)

type resource interface {
	apis.Defaultable
	apis.Validatable
}

type kind struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name         string `json:"name"`
		GenerateName string `json:"generateName"`
	} `json:"metadata"`
}

func empty(told kind) any {
	switch told.APIVersion + " " + told.Kind {
	case "tekton.dev/v1 Pipeline":
		return &v1.Pipeline{}
	case "tekton.dev/v1 PipelineRun":
		return &v1.PipelineRun{}
	case "tekton.dev/v1 Task":
		return &v1.Task{}
	case "tekton.dev/v1 TaskRun":
		return &v1.TaskRun{}
	case "tekton.dev/v1beta1 Task":
		return &v1beta1.Task{}
	case "v1 Secret":
		return &corev1.Secret{}
	case "v1 ServiceAccount":
		return &corev1.ServiceAccount{}
	case "v1 PersistentVolumeClaim":
		return &corev1.PersistentVolumeClaim{}
	}
	return nil
}

func judge(ctx context.Context, text []byte) (string, error) {
	var told kind
	if err := strict.Unmarshal(text, &told); err != nil {
		return "?", err
	}
	name := told.Kind + "/" + told.Metadata.Name + told.Metadata.GenerateName
	object := empty(told)
	if object == nil {
		return name, fmt.Errorf("nothing here knows %s %s", told.APIVersion, told.Kind)
	}
	if err := strict.UnmarshalStrict(text, object); err != nil {
		return name, err
	}
	if own, ok := object.(resource); ok {
		// The API server has made a name of generateName before the webhook is asked.
		if meta, ok := object.(metav1.Object); ok && meta.GetName() == "" && meta.GetGenerateName() != "" {
			meta.SetName(meta.GetGenerateName() + "x7k2f")
		}
		own.SetDefaults(ctx)
		// A nil *FieldError in an error is not nil.
		if fault := own.Validate(ctx); fault != nil {
			return name, fault
		}
	}
	return name, nil
}

func main() {
	ctx := apis.WithinCreate(context.Background())
	failed := false
	for _, path := range os.Args[1:] {
		text, err := os.ReadFile(path)
		if err != nil {
			fmt.Println(err)
			os.Exit(2)
		}
		reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
		for {
			document, err := reader.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				fmt.Printf("%s: %v\n", path, err)
				os.Exit(2)
			}
			var content any
			if strict.Unmarshal(document, &content) == nil && content == nil {
				continue // comments only
			}
			name, fault := judge(ctx, document)
			if fault != nil {
				failed = true
				fmt.Printf("%s: %s: %v\n", path, name, fault)
				continue
			}
			fmt.Printf("%s: %s: ok\n", path, name)
		}
	}
	if failed {
		os.Exit(1)
	}
}
