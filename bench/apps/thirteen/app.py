"""What a web service with some science in it imports."""

import cv2
import flask
import numpy as np
import pandas as pd
from PIL import Image

GREETING = "Thirteen packages"

if __name__ == "__main__":
    picture = Image.fromarray(cv2.blur(np.zeros((8, 8), np.uint8), (3, 3)))
    print(GREETING, flask.__name__, picture.size, pd.DataFrame({"a": [1]}).shape)
